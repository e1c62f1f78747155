//! The compiled policy: an image that is written as versioned, hashed bytes, and a program that is
//! loaded from them and decides. The daemon knows policies only in this form.

pub mod blocks;
pub mod constants;
pub mod facts;
pub mod handovers;
mod hex;
pub mod image;
pub mod limits;
pub mod load;
pub mod pattern;
pub mod phases;
pub mod program;
pub mod tools;

pub use hex::{hex, unhex};
pub use image::{Image, Sources};
pub use load::{LoadError, decode, encode, hashed_part, load};
pub use program::{Agent, Program, Rule};
