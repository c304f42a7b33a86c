//! What is wrong with impossible values.

use experiment::ParamError;

use super::{Kind, Params, Start};
use crate::picture::{LARGEST, SMALLEST};
use crate::vgg::Architecture;
use crate::weights::Source;

/// Styles at most.
const STYLES: usize = 16;

impl Params {
    /// What is wrong with the values.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let sides = SMALLEST..=LARGEST;
        ParamError::check(
            sides.contains(&self.size),
            "size",
            "a number from 16 to 8192",
            self.size,
        )?;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let weight = |value: f64| value >= 0.0 && value.is_finite();
        let scale = self.style_scale;
        ParamError::check(
            positive(scale) && scale <= 8.0,
            "style_scale",
            "above 0, up to 8",
            scale,
        )?;
        ParamError::check(weight(self.ratio), "ratio", "a number of at least 0", self.ratio)?;
        ParamError::check(
            weight(self.variation),
            "variation",
            "a number of at least 0",
            self.variation,
        )?;
        ParamError::check(weight(self.noise), "noise", "a number of at least 0", self.noise)?;
        let (rate, history) = (self.learning_rate, self.history);
        ParamError::check(positive(rate), "learning_rate", "a number above 0", rate)?;
        ParamError::check(
            (1..=100).contains(&history),
            "history",
            "a number from 1 to 100",
            history,
        )?;
        ParamError::check(self.evaluations > 0, "evaluations", "1 or more", self.evaluations)?;
        ParamError::check(self.record_every > 0, "record_every", "1 or more", self.record_every)?;
        let most = (self.size / SMALLEST).ilog2() as usize + 1;
        let wanted = format!("a number from 1 to {most}, so that the smallest has 16 pixels");
        ParamError::check((1..=most).contains(&self.scales), "scales", &wanted, self.scales)?;
        self.validate_pictures()?;
        self.objective()?;
        let imagenet = Source::of(&self.weights) == Source::Imagenet;
        if imagenet && self.network == Architecture::Vgg19 {
            let wanted =
                "a file of VGG-19's weights (safetensors, or .pth of PyTorch) or `untrained`";
            let found = "imagenet, which is VGG-16's; `network: vgg16` is the stand-in";
            return Err(ParamError::new("weights", wanted, found).beside("network"));
        }
        Ok(())
    }

    fn validate_pictures(&self) -> Result<(), ParamError> {
        let styles = self.style.len();
        let wanted = format!("a list of 1 to {STYLES} pictures");
        ParamError::check((1..=STYLES).contains(&styles), "style", &wanted, styles)?;
        for (path, name) in std::iter::once(("content", &self.content))
            .chain(self.style.iter().map(|s| ("style", s)))
        {
            ParamError::check(!name.is_empty(), path, "the name of a picture", "none")?;
        }
        let shares = &self.shares;
        let found = format!("{shares:?}");
        if !shares.is_empty() {
            let fit = shares.len() == styles
                && shares.iter().all(|share| *share >= 0.0 && share.is_finite())
                && shares.iter().sum::<f64>() > 0.0;
            let wanted = format!("a share for each of {styles} styles, not all 0");
            ParamError::check(fit, "shares", &wanted, found)?;
        }
        let without = match self.kind {
            Kind::Transfer => false,
            Kind::Content => self.start == Start::Style,
            Kind::Style => self.start == Start::Content,
        };
        let start = format!("{:?}", self.start).to_lowercase();
        ParamError::check(!without, "start", "noise or the picture that is made again", start)
    }
}
