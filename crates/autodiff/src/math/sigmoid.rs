//! sigmoid
pub fn f32(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
pub fn f64(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
