//! Parameter groups: tensors by name that have a rate or a decay of their own, or stand still.

use autodiff::Var;
use glob::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Layout;

/// Tensors that are trained in their own way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Names of the tensors, in which `*` stands for any text, `?` for any character and `[ab]` for
    /// one of a few.
    pub tensors: Vec<String>,
    /// Factor on the learning rate.
    #[serde(default = "one")]
    pub rate: f64,
    /// Weight decay in place of the optimiser's.
    #[serde(default)]
    pub decay: Option<f64>,
    /// Whether they stand still: they have neither a gradient nor a state of the optimiser.
    #[serde(default)]
    pub frozen: bool,
}

fn one() -> f64 {
    1.0
}

impl Group {
    /// A group that is trained as the optimiser says.
    pub fn of(tensors: &[&str]) -> Self {
        let tensors = tensors.iter().map(|&name| name.to_owned()).collect();
        Self { tensors, rate: 1.0, decay: None, frozen: false }
    }

    /// With a factor on the learning rate.
    #[must_use]
    pub fn with_rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    /// With a weight decay of its own.
    #[must_use]
    pub fn with_decay(self, decay: f64) -> Self {
        Self { decay: Some(decay), ..self }
    }

    /// Standing still.
    #[must_use]
    pub fn frozen(self) -> Self {
        Self { frozen: true, ..self }
    }
}

/// The groups of a training; a tensor in none of them is trained as the optimiser says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Groups(pub Vec<Group>);

/// Why groups do not suit a layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// A text is no pattern.
    #[error("group {pattern:?}: wanted a name or a pattern, found {why}")]
    Pattern {
        /// The text.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A pattern names no tensor.
    #[error("group {pattern:?}: no tensor has such a name, there are {names}")]
    Unmatched {
        /// The pattern.
        pattern: String,
        /// The tensors there are.
        names: String,
    },
    /// Two groups name one tensor.
    #[error("groups {first:?} and {second:?} both name the tensor {tensor:?}, wanted one group")]
    Ambiguous {
        /// The tensor.
        tensor: String,
        /// Pattern of the earlier group.
        first: String,
        /// Pattern of the later group.
        second: String,
    },
    /// A number of a group is impossible.
    #[error("group {pattern:?}: {field}: wanted {wanted}, found {found}")]
    Number {
        /// First pattern of the group.
        pattern: String,
        /// The field.
        field: &'static str,
        /// What it may be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
}

impl From<GroupError> for autodiff::Error {
    fn from(error: GroupError) -> Self {
        Self::Custom { op: "groups", message: error.to_string() }
    }
}

/// How one tensor is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Treatment {
    /// Factor on the learning rate.
    pub rate: f64,
    /// Weight decay in place of the optimiser's.
    pub decay: Option<f64>,
    /// Whether it stands still.
    pub frozen: bool,
}

impl Treatment {
    const PLAIN: Self = Self { rate: 1.0, decay: None, frozen: false };
}

impl Groups {
    /// How each tensor of a layout is trained, in the layout's order.
    ///
    /// # Errors
    /// A [`GroupError`] for a pattern that names no tensor, a tensor that two groups name, and for
    /// impossible numbers.
    pub fn treatments(&self, layout: &Layout) -> Result<Vec<Treatment>, GroupError> {
        let tensors = layout.tensors();
        let mut found: Vec<Option<(usize, &str)>> = vec![None; tensors.len()];
        for (number, group) in self.0.iter().enumerate() {
            group.check()?;
            for text in &group.tensors {
                let pattern = Pattern::new(text).map_err(|error| GroupError::Pattern {
                    pattern: text.clone(),
                    why: error.to_string(),
                })?;
                let mut matched = false;
                for (tensor, found) in tensors.iter().zip(&mut found) {
                    if !pattern.matches(&tensor.name) {
                        continue;
                    }
                    matched = true;
                    if let Some((earlier, first)) = *found
                        && earlier != number
                    {
                        return Err(GroupError::Ambiguous {
                            tensor: tensor.name.clone(),
                            first: first.to_owned(),
                            second: text.clone(),
                        });
                    }
                    *found = Some((number, text));
                }
                if !matched {
                    let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
                    let names = names.join(", ");
                    return Err(GroupError::Unmatched { pattern: text.clone(), names });
                }
            }
        }
        let treatment = |group: &Option<(usize, &str)>| match group {
            Some((number, _)) => {
                let Group { rate, decay, frozen, .. } = self.0[*number];
                Treatment { rate, decay, frozen }
            }
            None => Treatment::PLAIN,
        };
        Ok(found.iter().map(treatment).collect())
    }
}

impl Group {
    fn check(&self) -> Result<(), GroupError> {
        let wrong = |field, wanted, found: String| {
            let pattern = self.tensors.first().cloned().unwrap_or_default();
            Err(GroupError::Number { pattern, field, wanted, found })
        };
        if self.tensors.is_empty() {
            return wrong("tensors", "one name at least", "none".into());
        }
        if !(self.rate.is_finite() && self.rate >= 0.0) {
            return wrong("rate", "a factor from 0", self.rate.to_string());
        }
        if let Some(decay) = self.decay.filter(|decay| !(decay.is_finite() && *decay >= 0.0)) {
            return wrong("decay", "a decay from 0", decay.to_string());
        }
        if self.frozen && (self.rate != 1.0 || self.decay.is_some()) {
            let found = "a rate or a decay beside it".into();
            return wrong("frozen", "neither a rate nor a decay, which would do nothing", found);
        }
        Ok(())
    }
}

/// The tensors of a layout that are trained.
#[derive(Debug, Clone)]
pub(crate) struct Unfrozen {
    /// Only they, as a layout: that of one flat vector of the optimiser's state.
    pub(crate) layout: Layout,
    /// Which of the whole layout's tensors they are.
    tensors: Vec<usize>,
    /// How each is trained.
    pub(crate) treatments: Vec<Treatment>,
}

impl Unfrozen {
    pub(crate) fn new(layout: &Layout, groups: &Groups) -> Result<Self, GroupError> {
        let all = groups.treatments(layout)?;
        let mut own = Self { layout: Layout::new(), tensors: Vec::new(), treatments: Vec::new() };
        for (index, (tensor, treatment)) in layout.tensors().iter().zip(all).enumerate() {
            if !treatment.frozen && !tensor.statistic {
                own.layout.push(&tensor.name, &tensor.shape, tensor.init);
                own.tensors.push(index);
                own.treatments.push(treatment);
            }
        }
        Ok(own)
    }

    /// Those of the whole layout's views that are trained.
    pub(crate) fn of<'g>(&self, params: &[Var<'g>]) -> Vec<Var<'g>> {
        self.tensors.iter().map(|&index| params[index]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Init;

    fn layout() -> Layout {
        ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"]
            .into_iter()
            .fold(Layout::new(), |layout, name| layout.with(name, &[2], Init::Zeros))
    }

    #[test]
    fn names_and_patterns_say_how_a_tensor_is_trained() {
        let groups = Groups(vec![
            Group::of(&["encoder.*"]).frozen(),
            Group::of(&["*coder.bias", "decoder.bias"]).with_rate(2.0),
        ]);
        let error = groups.treatments(&layout()).unwrap_err().to_string();
        let wanted = r#"groups "encoder.*" and "*coder.bias" both name the tensor "encoder.bias", wanted one group"#;
        assert_eq!(error, wanted);
        let groups = Groups(vec![
            Group::of(&["encoder.*"]).frozen(),
            Group::of(&["d*.bias", "decoder.bias"]).with_rate(2.0).with_decay(0.0),
        ]);
        let frozen = Treatment { frozen: true, ..Treatment::PLAIN };
        let fast = Treatment { rate: 2.0, decay: Some(0.0), frozen: false };
        let found = groups.treatments(&layout()).unwrap();
        assert_eq!(found, [frozen, frozen, Treatment::PLAIN, fast]);
        let own = Unfrozen::new(&layout(), &groups).unwrap();
        assert_eq!((own.layout.len(), own.tensors), (4, vec![2, 3]));
    }

    #[test]
    fn a_pattern_that_names_nothing_and_impossible_numbers_are_errors() {
        let refused = |group: Group| Groups(vec![group]).treatments(&layout()).unwrap_err();
        let error = refused(Group::of(&["encoder"])).to_string();
        assert!(error.starts_with(r#"group "encoder": no tensor has such a name, there are enc"#));
        assert!(matches!(refused(Group::of(&["[a"])), GroupError::Pattern { .. }));
        for group in [
            Group::of(&[]),
            Group::of(&["*"]).with_rate(-1.0),
            Group::of(&["*"]).with_decay(f64::NAN),
            Group::of(&["*"]).with_rate(0.5).frozen(),
        ] {
            assert!(matches!(refused(group), GroupError::Number { .. }));
        }
    }
}
