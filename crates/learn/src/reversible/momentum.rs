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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Momentum {
    numerator: u32,
}

impl Momentum {
    /// The nearest rational to `gamma` in `(0, 1]`, at least `2^-20`.
    ///
    /// # Errors
    /// [`HyperError::Momentum`] for any other value.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product lies between 0 and 2^20"
    )]
    pub fn nearest(gamma: f64) -> Result<Self, HyperError> {
        if !(gamma > 0.0 && gamma <= 1.0) {
            return Err(HyperError::Momentum { found: gamma });
        }
        let numerator = (gamma * f64::from(1u32 << BITS)).round() as u32;
        Ok(Self { numerator: numerator.max(1) })
    }

    /// The numerator `n`.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The value `n / 2^20`, exactly.
    pub fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(1u32 << BITS)
    }

    /// Information that one multiplication loses, `log2(1/gamma)` bits (section 2.2).
    pub fn bits(self) -> f64 {
        -self.value().log2()
    }

    /// Whether multiplying changes nothing.
    pub(super) fn is_one(self) -> bool {
        self.numerator == 1 << BITS
    }
}
