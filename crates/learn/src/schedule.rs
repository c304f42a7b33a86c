//! Learning rates over the course of training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Factor on the learning rate over the course of training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// 1 for the first `from` of the steps, then linearly down to 0 after the last.
    LinearDecay {
        /// Fraction of the steps after which the decay begins, in `[0, 1]`.
        from: f64,
    },
    /// Multiplied by `factor` every `every` steps.
    Step {
        /// Number of steps between drops.
        every: u64,
        /// Factor of each drop.
        factor: f64,
    },
    /// Half a cosine from 1 to 0, after a linear rise over `warmup` steps.
    Cosine {
        /// Number of steps of the rise.
        warmup: u64,
    },
    /// A linear rise over `steps` steps, then another schedule over those that remain.
    Warmup {
        /// Number of steps of the rise.
        steps: u64,
        /// What follows.
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// The factor for step `step` of `steps`, counted from 0.
    #[expect(clippy::cast_precision_loss, reason = "step counts stay far below 2^52")]
    pub fn factor(&self, step: u64, steps: u64) -> f64 {
        let (at, total) = (step as f64, steps as f64);
        match self {
            Self::Constant => 1.0,
            Self::LinearDecay { from } => {
                let start = *from * total;
                if at < start { 1.0 } else { (total - at) / (total - start) }
            }
            Self::Step { every, factor } => {
                factor.powi(i32::try_from(step / (*every).max(1)).unwrap_or(i32::MAX))
            }
            Self::Cosine { warmup } => {
                let rise = *warmup as f64;
                if at < rise {
                    return (at + 1.0) / rise;
                }
                let progress = (at - rise) / (total - rise);
                0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
            Self::Warmup { steps: rise, then } => match step.checked_sub(*rise) {
                None => (at + 1.0) / *rise as f64,
                Some(after) => then.factor(after, steps.saturating_sub(*rise)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_decay_is_flat_and_then_falls_to_the_last_step() {
        let schedule = Schedule::LinearDecay { from: 0.75 };
        let factors: Vec<f64> = (0..8).map(|step| schedule.factor(step, 8)).collect();
        assert_eq!(factors, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]);
        assert_eq!(Schedule::LinearDecay { from: 1.0 }.factor(7, 8), 1.0);
    }

    #[test]
    fn steps_drop_and_cosine_rises_then_falls() {
        let step = Schedule::Step { every: 2, factor: 0.5 };
        assert_eq!([0, 1, 2, 5].map(|at| step.factor(at, 9)), [1.0, 1.0, 0.5, 0.25]);
        let cosine = Schedule::Cosine { warmup: 2 };
        assert_eq!(cosine.factor(0, 6), 0.5);
        assert_eq!(cosine.factor(2, 6), 1.0);
        assert!((cosine.factor(4, 6) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn any_schedule_begins_with_a_rise() {
        let after = |then: Schedule| Schedule::Warmup { steps: 2, then: Box::new(then) };
        let linear = after(Schedule::LinearDecay { from: 0.5 });
        let factors: Vec<f64> = (0..6).map(|step| linear.factor(step, 6)).collect();
        assert_eq!(factors, [0.5, 1.0, 1.0, 1.0, 1.0, 0.5]);
        let cosine = Schedule::Cosine { warmup: 2 };
        for step in 0..7 {
            let rising = after(Schedule::Cosine { warmup: 0 });
            assert_eq!(rising.factor(step, 7), cosine.factor(step, 7), "step {step}");
        }
        let text = r#"{"name":"warmup","steps":2,"then":{"name":"linear_decay","from":0.5}}"#;
        assert_eq!(serde_json::from_str::<Schedule>(text).unwrap(), linear);
        assert_eq!(serde_json::to_string(&linear).unwrap(), text);
    }
}
