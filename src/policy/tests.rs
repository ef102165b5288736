//! Policies as their authors and the callers meet them.

mod absent;
mod decide;
mod fixture;
mod load;
mod slices;
mod words;
