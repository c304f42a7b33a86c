//! What is minimised: distances of features and of Gram matrices, by the paper's constants or by
//! neural-style's.

use autodiff::{Error, Graph, Var};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Constants of the losses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Constants {
    /// Half the squared distance of features, and squared distances of Gram matrices over
    /// `4 N^2 M^2` (Gatys et al. 2015, equations 1 and 4).
    #[default]
    Gatys,
    /// Means of squares, of features and of Gram matrices over `N M` (Johnson 2015, neural-style).
    NeuralStyle,
}

/// A convolution, counted from 0, and the share of its loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layered {
    pub(crate) convolution: usize,
    pub(crate) weight: f64,
}

/// The whole loss: `content_weight * sum of content + style_weight * sum of style + variation`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Objective {
    pub(crate) constants: Constants,
    pub(crate) content: Vec<Layered>,
    pub(crate) style: Vec<Layered>,
    pub(crate) content_weight: f64,
    pub(crate) style_weight: f64,
    /// Weight of half the squared differences between neighbours.
    pub(crate) variation: f64,
}

/// What a picture is compared with, as variables of a graph.
pub(crate) struct Wanted<'g> {
    /// Features `[1, n, h, w]`, one a layer of content.
    pub(crate) content: Vec<Var<'g>>,
    /// Gram matrices over positions `[n, n]`, one a layer of style.
    pub(crate) style: Vec<Var<'g>>,
}

impl Objective {
    /// How many convolutions the losses look at.
    pub(crate) fn depth(&self) -> usize {
        let layers = self.content.iter().chain(&self.style);
        layers.map(|layer| layer.convolution + 1).max().unwrap_or(0)
    }

    /// The loss, then each layer's of content, each layer's of style, and the variation, all without
    /// their weights.
    ///
    /// # Errors
    /// A shape error of the trace.
    pub(crate) fn trace<'g>(
        &self,
        image: Var<'g>,
        features: &[Var<'g>],
        grams: &[Var<'g>],
        wanted: &Wanted<'g>,
    ) -> Result<Vec<Var<'g>>, Error> {
        let mut outputs = Vec::new();
        let mut loss = image.graph().scalar(0.0);
        for ((layer, features), wanted) in self.content.iter().zip(features).zip(&wanted.content) {
            let term = self.of_content(*features, *wanted)?;
            loss = loss.add(term.mul_scalar(self.content_weight * layer.weight))?;
            outputs.push(term);
        }
        for ((layer, gram), wanted) in self.style.iter().zip(grams).zip(&wanted.style) {
            let term = self.of_style(*gram, *wanted)?;
            loss = loss.add(term.mul_scalar(self.style_weight * layer.weight))?;
            outputs.push(term);
        }
        if self.variation > 0.0 {
            let term = variation(image)?;
            loss = loss.add(term.mul_scalar(self.variation))?;
            outputs.push(term);
        }
        outputs.insert(0, loss);
        Ok(outputs)
    }

    fn of_content<'g>(&self, features: Var<'g>, wanted: Var<'g>) -> Result<Var<'g>, Error> {
        let square = features.sub(wanted)?.square();
        Ok(match self.constants {
            Constants::Gatys => square.sum_all().mul_scalar(0.5),
            Constants::NeuralStyle => square.mean_all(),
        })
    }

    /// `gram` is over positions: the paper's and neural-style's number of positions is in it.
    fn of_style<'g>(&self, gram: Var<'g>, wanted: Var<'g>) -> Result<Var<'g>, Error> {
        let filters = gram.shape()[0] as f64;
        let square = gram.sub(wanted)?.square().sum_all();
        Ok(match self.constants {
            Constants::Gatys => square.mul_scalar(0.25 / filters.powi(2)),
            Constants::NeuralStyle => square.mul_scalar(filters.powi(-4)),
        })
    }
}

/// Half the sum of squared differences between neighbours.
fn variation(image: Var<'_>) -> Result<Var<'_>, Error> {
    let shape = image.shape();
    let along = |axis: usize| -> Result<Var<'_>, Error> {
        let after = image.slice(axis, 1..shape[axis])?;
        let before = image.slice(axis, 0..shape[axis] - 1)?;
        Ok(after.sub(before)?.square().sum_all())
    };
    Ok(along(2)?.add(along(3)?)?.mul_scalar(0.5))
}

/// Inputs of a graph for what a picture of these features and Gram matrices is compared with.
pub(crate) fn declare<'g>(graph: &'g Graph, content: &[Var<'g>], grams: &[Var<'g>]) -> Wanted<'g> {
    let content = content.iter().map(|var| graph.input("content", &var.shape())).collect();
    let style = grams.iter().map(|var| graph.input("style", &var.shape())).collect();
    Wanted { content, style }
}

#[cfg(test)]
mod tests {
    use autodiff::{Buffer, DType, Device};

    use super::*;
    use crate::observe::Look;

    fn eval(shape: &[usize], values: &[f64], f: impl Fn(Var<'_>) -> Var<'_>) -> Vec<f64> {
        let graph = Graph::new(DType::F64);
        let x = graph.input("x", shape);
        let mut program = graph.compile(&[f(x)]).unwrap();
        program.run(&mut [&mut Buffer::from_slice(Device::cpu(), values).unwrap()]).unwrap();
        program.output(0).to_vec().unwrap()
    }

    #[test]
    fn losses_by_hand() {
        // Two filters at three positions: F F^T = [[14, 32], [32, 77]].
        let features = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let shape = [1, 2, 1, 3];
        let found = eval(&shape, &features, |x| Look::Gram.of(x).unwrap());
        for (found, wanted) in found.iter().zip([14.0, 32.0, 32.0, 77.0]) {
            assert!((3.0 * found - wanted).abs() < 1e-12, "{found}");
        }
        let objective = |constants| Objective {
            constants,
            content: Vec::new(),
            style: Vec::new(),
            content_weight: 1.0,
            style_weight: 1.0,
            variation: 0.0,
        };
        let loss = |constants, style: bool| {
            let objective = objective(constants);
            eval(&shape, &features, move |x| {
                if style {
                    let wanted = x.graph().constant(&[0.0; 4], &[2, 2]).unwrap();
                    objective.of_style(Look::Gram.of(x).unwrap(), wanted).unwrap()
                } else {
                    let wanted = x.graph().constant(&[0.0; 6], &shape).unwrap();
                    objective.of_content(x, wanted).unwrap()
                }
            })[0]
        };
        let squares = 14.0 * 14.0 + 2.0 * 32.0 * 32.0 + 77.0 * 77.0;
        let close = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 1e-12);
        // 1 / (4 N^2 M^2) with N = 2 and M = 3.
        close(loss(Constants::Gatys, true), squares / (4.0 * 4.0 * 9.0));
        // The mean over four elements of the squares of G / (N M).
        close(loss(Constants::NeuralStyle, true), squares / 36.0 / 4.0);
        close(loss(Constants::Gatys, false), 45.5);
        close(loss(Constants::NeuralStyle, false), 91.0 / 6.0);
    }

    #[test]
    fn variation_by_hand() {
        // Rows 1 4 6 and 2 2 2: along rows 9 + 4, along columns 1 + 4 + 16, half of 34.
        let image = [1.0, 4.0, 6.0, 2.0, 2.0, 2.0];
        assert_eq!(eval(&[1, 1, 2, 3], &image, |x| variation(x).unwrap()), [17.0]);
    }
}
