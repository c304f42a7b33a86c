//! log
pub fn f32(x: f32) -> f32 {
    x.ln()
}
pub fn f64(x: f64) -> f64 {
    x.ln()
}
