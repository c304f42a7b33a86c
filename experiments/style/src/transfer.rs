//! One picture: what it is compared with, the sizes that are gone through, and its descent.

use autodiff::DType;
use datasets::Store;
use experiment::{DataPaths, Error, Stream};
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};

use crate::colour::{self, Colour};
use crate::descent::Descent;
use crate::evaluation::{Evaluation, Losses, Network, Targets};
use crate::leaves::leaves;
use crate::losses::Objective;
use crate::normalise::{means, normalise};
use crate::params::{ART, ART_PREFIX, Kind, Normalise, Params, Start};
use crate::picture::{Picture, read};
use crate::weights::{Source, Weights};

/// A picture under way.
pub(crate) struct Transfer {
    params: Params,
    objective: Objective,
    network: Network,
    pictures: Pictures,
    /// Which size it is at, from 0, and evaluations made there.
    scale: usize,
    made: u64,
    evaluation: Evaluation,
    descent: Descent,
    /// Whether no picture at this size is any better.
    ended: bool,
}

/// Where it is, as a checkpoint has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At {
    scale: usize,
    made: u64,
    ended: bool,
}

/// The pictures that it is made from, as large as they came.
pub(crate) struct Pictures {
    pub(crate) content: Option<Picture>,
    pub(crate) styles: Vec<Picture>,
}

impl Pictures {
    /// Reads the pictures of the parameters.
    ///
    /// # Errors
    /// A picture or the data set that cannot be read.
    pub(crate) fn open(params: &Params, data: &DataPaths) -> Result<Self, Error> {
        let (content, styles) = params.pictures();
        Ok(Self {
            content: content.map(|name| open(name, data)).transpose()?,
            styles: styles.iter().map(|name| open(name, data)).collect::<Result<_, _>>()?,
        })
    }

    /// What gives the picture its proportions.
    fn first(&self) -> &Picture {
        let first = self.content.as_ref().or(self.styles.first());
        first.expect("every kind has a content or a style")
    }

    /// Content and styles at a size, with the colours that the transfer begins with.
    fn at(&self, params: &Params, size: [usize; 2]) -> Result<Self, Error> {
        let side = size[0].max(size[1]) as f64 * params.style_scale;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of pixels"
        )]
        let side = side.round() as usize;
        let content = self.content.as_ref().map(|content| content.resized(size));
        let styles = self.styles.iter().map(|style| style.resized(style.fitted(side)));
        let Some(content) = content else {
            return Ok(Self { content: None, styles: styles.collect() });
        };
        let styles: Vec<Picture> = match params.colour {
            Colour::Style => styles.collect(),
            Colour::Matched => {
                styles.map(|style| colour::matched(&style, &content)).collect::<Result<_, _>>()?
            }
            Colour::Luminance => {
                styles.map(|style| colour::grey_matched(&style, &content)).collect()
            }
        };
        let content = match params.colour {
            Colour::Luminance => colour::grey(&content),
            _ => content,
        };
        Ok(Self { content: Some(content), styles })
    }
}

/// Reads one picture.
fn open(name: &str, data: &DataPaths) -> Result<Picture, Error> {
    let path = match name.strip_prefix(ART_PREFIX) {
        None => name.into(),
        Some(file) => {
            let store = Store::new(&data.cache, data.mirror.as_deref(), data.offline);
            let folder = store.open(ART).map_err(|e| Error::data(ART, e))?;
            folder.file(file).map_err(|e| Error::data(ART, e))?
        }
    };
    read(&path).map_err(|e| Error::other("reading a picture", e))
}

impl Transfer {
    /// Reads pictures and weights, and computes what the first size is compared with. `noise` is where a
    /// start of noise is drawn.
    ///
    /// # Errors
    /// A picture, a data set or a file that cannot be read; memory.
    pub(crate) fn open(params: &Params, data: &DataPaths, noise: &Stream) -> Result<Self, Error> {
        let pictures = Pictures::open(params, data)?;
        let objective = params.objective()?;
        let vgg = params.vgg(&objective);
        let source = Source::of(&params.weights);
        let mut weights = Weights::open(&source, params.network, params.inputs, &vgg, data)?;
        let set = match params.normalise {
            Normalise::None => Vec::new(),
            Normalise::Leaves => leaves(),
            Normalise::Own => {
                let scaled = pictures.at(params, pictures.first().fitted(params.size))?;
                scaled.content.into_iter().chain(scaled.styles).collect()
            }
        };
        if !set.is_empty() {
            let found = means(&vgg, &weights, &set).map_err(computing)?;
            normalise(&mut weights, &found);
        }
        let network = Network::new(vgg, weights, DType::F32).map_err(computing)?;
        Self::new(params.clone(), objective, network, pictures, noise)
    }

    fn new(
        params: Params,
        objective: Objective,
        mut network: Network,
        pictures: Pictures,
        noise: &Stream,
    ) -> Result<Self, Error> {
        let size = size_at(&params, &pictures, 0);
        let scaled = pictures.at(&params, size)?;
        let evaluation = evaluation(&params, &objective, &mut network, &scaled, size)?;
        let start = start(&params, &scaled, size, &network, noise);
        let descent = Descent::new(params.optimizer, params.history, params.learning_rate, start);
        let (scale, made, ended) = (0, 0, false);
        Ok(Self { params, objective, network, pictures, scale, made, evaluation, descent, ended })
    }

    /// Evaluates one picture; whether another one will be looked at.
    ///
    /// # Errors
    /// The engine's, and those of the next size.
    pub(crate) fn advance(&mut self) -> Result<bool, Error> {
        if self.ended || self.made == self.share() {
            if self.scale + 1 == self.params.scales {
                return Ok(false);
            }
            self.refine()?;
        }
        let Self { evaluation, network, descent, .. } = self;
        let goes_on = descent
            .evaluate(|picture, gradient| evaluation.at(network, picture, gradient))
            .map_err(computing)?;
        self.made += 1;
        self.ended = !goes_on;
        Ok(self.scale + 1 < self.params.scales || (goes_on && self.made < self.share()))
    }

    /// Evaluations at the present size: the last one has what is left of equal shares.
    fn share(&self) -> u64 {
        let (all, scales) = (self.params.evaluations, self.params.scales as u64);
        let equal = all / scales;
        if self.scale + 1 == self.params.scales { all - equal * (scales - 1) } else { equal }
    }

    /// Goes on with the best picture at the next size.
    fn refine(&mut self) -> Result<(), Error> {
        let picture = self.raw();
        self.enter(self.scale + 1)?;
        let start = self.network.weights().standardised(&picture.resized(self.size()));
        self.begin(start.into_iter().map(f64::from).collect());
        Ok(())
    }

    fn begin(&mut self, start: Vec<f64>) {
        let Params { optimizer, history, learning_rate, .. } = self.params;
        self.descent = Descent::new(optimizer, history, learning_rate, start);
    }

    /// Compiles what a size needs.
    fn enter(&mut self, scale: usize) -> Result<(), Error> {
        (self.scale, self.made, self.ended) = (scale, 0, false);
        let size = self.size();
        let scaled = self.pictures.at(&self.params, size)?;
        self.evaluation =
            evaluation(&self.params, &self.objective, &mut self.network, &scaled, size)?;
        Ok(())
    }

    /// Height and width at the present size.
    fn size(&self) -> [usize; 2] {
        size_at(&self.params, &self.pictures, self.scale)
    }

    /// The best picture as the network has it.
    fn raw(&self) -> Picture {
        self.network.weights().picture(self.size(), self.descent.picture())
    }

    /// The best picture so far, with the colours that were asked for.
    pub(crate) fn picture(&self) -> Picture {
        let found = self.raw();
        match (&self.pictures.content, self.params.colour) {
            (Some(content), Colour::Luminance) => {
                colour::with_luminance(&content.resized(self.size()), &found)
            }
            _ => found,
        }
    }

    /// The losses of that picture.
    pub(crate) fn losses(&self) -> &Losses {
        self.descent.losses()
    }

    /// The losses of content and of style of that picture, each by its layers' weights.
    pub(crate) fn sums(&self) -> [f64; 2] {
        self.losses().sums(&self.objective)
    }

    /// Where it is and the state of its descent: all that later evaluations depend on.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for what cannot be written.
    pub(crate) fn save(&self) -> Result<(At, Vec<u8>), Error> {
        Ok((At { scale: self.scale, made: self.made, ended: self.ended }, self.descent.to_bytes()?))
    }

    /// Goes back to where [`save`](Self::save) was.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a state of something else; those of a size.
    pub(crate) fn restore(&mut self, at: At, descent: &[u8]) -> Result<(), Error> {
        let At { scale, made, ended } = at;
        if scale >= self.params.scales {
            let scales = self.params.scales;
            let message = format!("wanted one of {scales} sizes, found number {scale}");
            return Err(Error::Checkpoint(message));
        }
        if scale != self.scale {
            self.enter(scale)?;
        }
        let [height, width] = self.size();
        self.descent = Descent::from_bytes(descent, 3 * height * width)?;
        (self.made, self.ended) = (made, ended);
        Ok(())
    }
}

/// Height and width at a size, counted from the coarsest.
fn size_at(params: &Params, pictures: &Pictures, scale: usize) -> [usize; 2] {
    let halvings = params.scales - 1 - scale;
    pictures.first().fitted(params.size >> halvings)
}

/// What pictures of a size are compared with, compiled.
fn evaluation(
    params: &Params,
    objective: &Objective,
    network: &mut Network,
    scaled: &Pictures,
    size: [usize; 2],
) -> Result<Evaluation, Error> {
    let content = match &scaled.content {
        Some(content) => network.features(content, &objective.content).map_err(computing)?,
        None => Vec::new(),
    };
    let mut style: Vec<Vec<f64>> = Vec::new();
    let whole: f64 = params.shares.iter().sum();
    for (at, picture) in scaled.styles.iter().enumerate() {
        let equal = 1.0 / scaled.styles.len() as f64;
        let share = params.shares.get(at).map_or(equal, |share| share / whole);
        let grams = network.grams(picture, &objective.style).map_err(computing)?;
        style.resize_with(grams.len(), Vec::new);
        for (sum, gram) in style.iter_mut().zip(grams) {
            sum.resize(gram.len(), 0.0);
            sum.iter_mut().zip(gram).for_each(|(sum, value)| *sum += share * value);
        }
    }
    let targets = Targets { content, style };
    Evaluation::new(network, objective, size, &targets).map_err(computing)
}

/// Values of the picture that the descent begins with.
fn start(
    params: &Params,
    scaled: &Pictures,
    size: [usize; 2],
    network: &Network,
    noise: &Stream,
) -> Vec<f64> {
    let picture = match (params.start, params.kind) {
        (Start::Content, Kind::Transfer | Kind::Content) => scaled.content.clone(),
        (Start::Style, Kind::Transfer | Kind::Style) => {
            scaled.styles.first().map(|style| style.resized(size))
        }
        _ => None,
    };
    if let Some(picture) = picture {
        return network.weights().standardised(&picture).into_iter().map(f64::from).collect();
    }
    let normal = Normal::new(0.0, params.noise).expect("a standard deviation of at least 0");
    let mut rng = noise.rng(0);
    (0..3 * size[0] * size[1]).map(|_| normal.sample(&mut rng)).collect()
}

fn computing(error: autodiff::Error) -> Error {
    Error::other("computing features", error)
}
