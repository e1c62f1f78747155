//! The Decision Provenance Record: fields, canonical bytes, chain, verification.
