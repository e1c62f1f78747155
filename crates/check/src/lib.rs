//! A parsed stack to a checked stack: names, types, analysis.
