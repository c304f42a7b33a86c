//! The loss of a picture and its gradient, compiled once for a size; and what pictures are compared with.

use autodiff::{Buffer, DType, Device, Error, Graph, Program, Var};
use serde::{Deserialize, Serialize};

use crate::losses::{Layered, Objective, declare};
use crate::observe::{Look, Looks, looks, observe};
use crate::picture::Picture;
use crate::vgg::Vgg;
use crate::weights::Weights;

/// Losses of a picture: the weighted sum, and without their weights those of each layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Losses {
    pub(crate) total: f64,
    pub(crate) content: Vec<f64>,
    pub(crate) style: Vec<f64>,
    pub(crate) variation: f64,
}

impl Losses {
    /// The losses of content by their shares, and those of style.
    pub(crate) fn sums(&self, objective: &Objective) -> [f64; 2] {
        let sum = |layers: &[Layered], losses: &[f64]| {
            layers.iter().zip(losses).map(|(layer, loss)| layer.weight * loss).sum()
        };
        [sum(&objective.content, &self.content), sum(&objective.style, &self.style)]
    }
}

/// A network with its weights on a device, which looks at pictures.
pub(crate) struct Network {
    vgg: Vgg,
    weights: Weights,
    buffers: Vec<Buffer>,
    dtype: DType,
    /// Elements of a band's layer, if pictures are looked at in bands.
    limit: Option<usize>,
}

/// What pictures are compared with: features of content, Gram matrices of style.
pub(crate) struct Targets {
    pub(crate) content: Vec<Vec<f64>>,
    pub(crate) style: Vec<Vec<f64>>,
}

impl Network {
    /// A network that computes in `dtype`, with a limit in bands whose layers have at most about so many
    /// elements.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has too little.
    pub(crate) fn new(
        vgg: Vgg,
        weights: Weights,
        dtype: DType,
        limit: Option<usize>,
    ) -> Result<Self, Error> {
        Ok(Self { buffers: weights.buffers(dtype)?, vgg, weights, dtype, limit })
    }

    /// The weights.
    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Features of a picture at some of the convolutions.
    ///
    /// # Errors
    /// An error of the trace, as for a picture that is too small; [`Error::Memory`].
    pub(crate) fn features(
        &mut self,
        picture: &Picture,
        layers: &[Layered],
    ) -> Result<Vec<Vec<f64>>, Error> {
        self.look(picture, &looks(layers, Look::Features))
    }

    /// Gram matrices of a picture at some of the convolutions, over the number of positions.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub(crate) fn grams(
        &mut self,
        picture: &Picture,
        layers: &[Layered],
    ) -> Result<Vec<Vec<f64>>, Error> {
        self.look(picture, &looks(layers, Look::Gram))
    }

    fn look(&mut self, picture: &Picture, looks: &[(usize, Look)]) -> Result<Vec<Vec<f64>>, Error> {
        if looks.is_empty() {
            return Ok(Vec::new());
        }
        let graph = Graph::new(self.dtype);
        let [height, width] = picture.size;
        let image = graph.input("image", &[1, 3, height, width]);
        let mut program = graph.compile(&self.observe(image, looks)?)?;
        let values = self.weights.standardised(picture);
        let mut image = self.buffer(&values.into_iter().map(f64::from).collect::<Vec<_>>())?;
        let mut inputs = vec![&mut image];
        inputs.extend(self.buffers.iter_mut());
        program.run(&mut inputs)?;
        (0..looks.len()).map(|at| wide(program.output(at))).collect()
    }

    /// What it sees in a variable; its weights become the graph's next inputs.
    fn observe<'g>(&self, image: Var<'g>, looks: &[(usize, Look)]) -> Result<Vec<Var<'g>>, Error> {
        let vars = self.weights.declare(image.graph());
        observe(&self.vgg, (&self.weights.layout, &vars), image, looks, self.limit)
    }

    fn buffer(&self, values: &[f64]) -> Result<Buffer, Error> {
        match self.dtype {
            DType::F64 => Buffer::from_slice(Device::current(), values),
            _ => Buffer::from_slice(Device::current(), &narrow(values)),
        }
    }
}

/// The loss of pictures of one size and its gradient.
pub(crate) struct Evaluation {
    program: Program,
    /// The picture, then what it is compared with.
    own: Vec<Buffer>,
    /// Layers of content and of style.
    layers: [usize; 2],
    dtype: DType,
}

impl Evaluation {
    /// Compiles loss and gradient for pictures of `[height, width]`.
    ///
    /// # Errors
    /// An error of the trace; [`Error::Memory`].
    pub(crate) fn new(
        network: &Network,
        objective: &Objective,
        size: [usize; 2],
        targets: &Targets,
    ) -> Result<Self, Error> {
        let graph = Graph::new(network.dtype);
        let [height, width] = size;
        let image = graph.input("image", &[1, 3, height, width]);
        let of = looks(&objective.content, Look::Features);
        let looks: Looks = [of, looks(&objective.style, Look::Gram)].concat();
        let found = network.observe(image, &looks)?;
        let (content, grams) = found.split_at(objective.content.len());
        let wanted = declare(&graph, content, grams);
        let mut outputs = objective.trace(image, content, grams, &wanted)?;
        outputs.insert(1, graph.grad(outputs[0], &[image])?[0]);
        let program = graph.compile(&outputs)?;
        let zeros = Buffer::zeros(Device::current(), network.dtype, 3 * height * width)?;
        let all = targets.content.iter().chain(&targets.style).map(|target| network.buffer(target));
        let own = std::iter::once(Ok(zeros)).chain(all).collect::<Result<_, _>>()?;
        let layers = [content.len(), grams.len()];
        Ok(Self { program, own, layers, dtype: network.dtype })
    }

    /// The losses of a picture, less the network's means; the gradient goes to `gradient`.
    ///
    /// # Errors
    /// A picture of another size.
    pub(crate) fn at(
        &mut self,
        network: &mut Network,
        picture: &[f64],
        gradient: &mut [f64],
    ) -> Result<Losses, Error> {
        match self.dtype {
            DType::F64 => self.own[0].write(0, picture)?,
            _ => self.own[0].write(0, &narrow(picture))?,
        }
        let (image, wanted) = self.own.split_at_mut(1);
        let inputs = image.iter_mut().chain(&mut network.buffers).chain(wanted);
        self.program.run(&mut inputs.collect::<Vec<_>>())?;
        read(self.program.output(1), gradient)?;
        let scalar = |output: usize| Ok::<_, Error>(wide(self.program.output(output))?[0]);
        let [content, style] = self.layers;
        let terms = (2..self.program.outputs()).map(scalar).collect::<Result<Vec<_>, _>>()?;
        Ok(Losses {
            total: scalar(0)?,
            content: terms[..content].to_vec(),
            style: terms[content..content + style].to_vec(),
            variation: terms.get(content + style).copied().unwrap_or(0.0),
        })
    }
}

fn wide(buffer: &Buffer) -> Result<Vec<f64>, Error> {
    let mut values = vec![0.0; buffer.len()];
    read(buffer, &mut values)?;
    Ok(values)
}

fn read(buffer: &Buffer, to: &mut [f64]) -> Result<(), Error> {
    match buffer.dtype() {
        DType::F64 => buffer.read(0, to),
        _ => buffer.view(|found: &[f32]| {
            to.iter_mut().zip(found).for_each(|(to, found)| *to = f64::from(*found));
        }),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to the graph's type is the purpose")]
fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[cfg(test)]
mod tests;
