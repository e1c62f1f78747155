//! Who is calling, as an unforgeable Agent.
