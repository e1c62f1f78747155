//! Two programs compared.
