//! Elementary functions as polynomials of a fixed operation order.
//!
//! Each is free of branches, so that a loop over it becomes vector code, and says where a product and
//! a sum are rounded together, so that it gives the same bits on every processor. Both cases of a
//! function are computed and one is selected. Accurate to 2 units in the last place (4 for `tanh` and
//! `sigmoid`).

pub(crate) mod exp;
pub(crate) mod log;
pub(crate) mod sigmoid;
pub(crate) mod tanh;

/// Horner's rule with fused steps, highest coefficient first.
macro_rules! polynomial {
    ($x:expr, $first:expr $(, $rest:expr)* $(,)?) => {{
        let x = $x;
        let sum = $first;
        $(let sum = x.mul_add(sum, $rest);)*
        sum
    }};
}
pub(crate) use polynomial;

#[cfg(test)]
pub(crate) mod testing {
    //! Comparison with the system's library.

    /// Distance in units in the last place.
    fn ulps32(a: f32, b: f32) -> u64 {
        if a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) {
            return 0;
        }
        let ordered = |x: f32| {
            let bits = i64::from(x.to_bits() & 0x7fff_ffff);
            if x.is_sign_negative() { -bits } else { bits }
        };
        ordered(a).abs_diff(ordered(b)) + u64::from(a.is_nan() != b.is_nan()) * (1 << 40)
    }

    fn ulps64(a: f64, b: f64) -> u64 {
        if a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) {
            return 0;
        }
        let ordered = |x: f64| {
            let bits = (x.to_bits() & (u64::MAX >> 1)) as i64;
            if x.is_sign_negative() { -bits } else { bits }
        };
        ordered(a).abs_diff(ordered(b)).saturating_add(u64::from(a.is_nan() != b.is_nan()) << 60)
    }

    /// Checks every 1009th float of all, and the special ones, against the f64 function rounded.
    pub(crate) fn check32(ours: fn(f32) -> f32, wanted: fn(f64) -> f64, limit: u64) {
        for bits in (0..=u32::MAX).step_by(1009).chain(specials32()) {
            let x = f32::from_bits(bits);
            let (found, right) = (ours(x), wanted(f64::from(x)) as f32);
            assert!(ulps32(found, right) <= limit, "f({x:e}) = {found:e}, wanted {right:e}");
        }
    }

    fn specials32() -> impl Iterator<Item = u32> {
        let near = |x: f32| (-40i32..40).map(move |i| x.to_bits().wrapping_add_signed(i));
        [0.0, 1.0, 88.72284, -87.33654, -103.97208, 0.625, 9.0, f32::MIN_POSITIVE, f32::INFINITY]
            .into_iter()
            .flat_map(move |x| near(x).chain(near(-x)))
    }

    /// Checks floats spread over all of f64, dense around 1, and the special ones.
    pub(crate) fn check64(ours: fn(f64) -> f64, wanted: fn(f64) -> f64, limit: u64) {
        let all = (0..=u64::MAX).step_by(0x0000_2b5a_3c1d_7e91 * 4);
        let near = |x: f64| (-40i64..40).map(move |i| x.to_bits().wrapping_add_signed(i));
        let specials = [0.0, 1.0, 0.625, 709.782_712_893_384, -708.396, -745.133_219_101_941]
            .into_iter()
            .chain([f64::MIN_POSITIVE, f64::INFINITY, 5e-324])
            .flat_map(move |x| near(x).chain(near(-x)));
        let usual = (-80_000..80_000).map(|i| (f64::from(i) * 1e-3 * 1.000_123_4).to_bits());
        for bits in all.chain(specials).chain(usual) {
            let x = f64::from_bits(bits);
            let (found, right) = (ours(x), wanted(x));
            assert!(ulps64(found, right) <= limit, "f({x:e}) = {found:e}, wanted {right:e}");
        }
    }
}
