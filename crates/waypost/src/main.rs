//! waypost.

fn main() {}
