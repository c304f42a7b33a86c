//! Momenta as rational numbers.

use super::HyperError;

/// Bits of the denominator of every momentum.
pub(super) const BITS: u32 = 20;

/// A momentum as the rational number `n / 2^20`, `1 <= n <= 2^20`, by which a velocity is multiplied
/// exactly (algorithm 3).
///
/// Exactly means that the product can be undone; as a number it is right to `2^-32`, the value of
/// one lost digit.
///
/// ```
/// use learn::Momentum;
///
/// let gamma = Momentum::nearest(0.9)?;
/// assert!((gamma.value() - 0.9).abs() < 1e-6);
/// assert!((gamma.bits() - 0.152).abs() < 1e-3);
/// assert!(Momentum::nearest(1.1).is_err());
/// # Ok::<(), learn::HyperError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Momentum {
    numerator: u32,
    gamma: f64,
}

impl Momentum {
    /// The nearest rational to `gamma` in `(0, 1]`, at least `2^-20`.
    ///
    /// # Errors
    /// [`HyperError::Momentum`] for any other value.
    pub fn nearest(gamma: f64) -> Result<Self, HyperError> {
        let numerator = scaled(gamma, BITS)?.round().max(1.0);
        Ok(Self { numerator: whole(numerator), gamma: numerator / f64::from(1u32 << BITS) })
    }

    /// `gamma` in `(0, 1]` as the authors' code has it: velocities are multiplied by the next
    /// multiple of `2^-16` above, and everything else is computed with `gamma` itself.
    ///
    /// # Errors
    /// [`HyperError::Momentum`] for any other value.
    pub fn published(gamma: f64) -> Result<Self, HyperError> {
        let coarse = (scaled(gamma, 16)? + 1.0).floor().min(65_536.0);
        Ok(Self { numerator: whole(coarse) << (BITS - 16), gamma })
    }

    /// The numerator `n` of what velocities are multiplied by.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The value `gamma`: of [`nearest`](Self::nearest), `n / 2^20` exactly.
    pub fn value(self) -> f64 {
        self.gamma
    }

    /// Information that one multiplication loses, `log2(2^20 / n)` bits (section 2.2).
    pub fn bits(self) -> f64 {
        f64::from(BITS) - f64::from(self.numerator).log2()
    }

    /// Whether multiplying changes nothing.
    pub(super) fn is_one(self) -> bool {
        self.numerator == 1 << BITS
    }
}

/// `gamma` in `(0, 1]` times `2^bits`.
fn scaled(gamma: f64, bits: u32) -> Result<f64, HyperError> {
    if gamma > 0.0 && gamma <= 1.0 {
        return Ok(gamma * f64::from(1u32 << bits));
    }
    Err(HyperError::Momentum { found: gamma })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number from 1 to 2^20"
)]
fn whole(value: f64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_momenta_are_rounded_up_to_sixteen_bits() {
        // 2^16 * .9 = 58982.4, and .5 is a multiple, to which one is added all the same.
        for (gamma, n) in [(0.9, 58_983), (0.5, 32_769), (1.0, 65_536), (1e-9, 1)] {
            let momentum = Momentum::published(gamma).unwrap();
            assert_eq!(momentum.numerator(), n << 4, "{gamma}");
            assert!(momentum.value().to_bits() == gamma.to_bits());
        }
        assert!(Momentum::published(0.0).is_err());
        assert!(Momentum::published(f64::NAN).is_err());
    }
}
