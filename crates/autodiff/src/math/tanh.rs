//! tanh
pub fn f32(x: f32) -> f32 {
    x.tanh()
}
pub fn f64(x: f64) -> f64 {
    x.tanh()
}
