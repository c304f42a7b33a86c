//! One picture: what it is compared with, the sizes that are gone through, and its descent.

mod parts;
mod pictures;

use autodiff::DType;
use experiment::{DataPaths, Error, Stream};
use serde::{Deserialize, Serialize};

use crate::colour::{self, Colour};
use crate::descent::Descent;
use crate::evaluation::{Evaluation, Losses, Network};
use crate::leaves::leaves;
use crate::losses::Objective;
use crate::normalise::{means, normalise};
use crate::params::{Normalise, Params};
use crate::picture::Picture;
use crate::weights::{Source, Weights};
use parts::{evaluation, size_at, start};
pub(crate) use pictures::is_art_here;
use pictures::{NORMALISED, Pictures, art};

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
            Normalise::Art => art(data)?,
            Normalise::Own => {
                let params = Params { style_scale: 1.0, ..params.clone() };
                let scaled = pictures.at(&params, pictures.first().fitted(NORMALISED))?;
                scaled.content.into_iter().chain(scaled.styles).collect()
            }
        };
        if !set.is_empty() {
            let found = means(&vgg, &weights, &set, params.limit()).map_err(computing)?;
            normalise(&mut weights, &found);
        }
        let network = Network::new(vgg, weights, DType::F32, params.limit()).map_err(computing)?;
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

fn computing(error: autodiff::Error) -> Error {
    Error::other("computing features", error)
}
