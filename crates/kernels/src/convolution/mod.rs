//! Convolution and pooling of images.

mod columns;
pub mod direct;
pub mod pooling;
pub mod winograd;

pub use columns::Geometry;
