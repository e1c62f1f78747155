//! A checked stack to a program.
