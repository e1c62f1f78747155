//! FPL text to a lossless tree with diagnostics, and the formatter.
