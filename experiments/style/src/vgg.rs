//! VGG-16 and VGG-19 (Simonyan & Zisserman 2014) as networks of named convolutions.

use autodiff::{Conv2d, Error, Pool2d, Var};
use learn::Layout;
use learn::layers::{Convolution, Layer, Map, Params, Pooling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// 13 convolutions: blocks of 2, 2, 3, 3 and 3. A stand-in for the paper's network.
    #[default]
    Vgg16,
    /// 16 convolutions: blocks of 2, 2, 4, 4 and 4. The paper's network.
    Vgg19,
}

/// What stands between two blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// The average of each window of 2x2, as in the paper.
    #[default]
    Average,
    /// The largest of each window of 2x2, which the networks were trained with.
    Max,
}

/// A place among the convolutions: block and number, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    block: usize,
    number: usize,
}

impl Place {
    /// `conv4_2` for block 4, convolution 2.
    pub(crate) fn name(self) -> String {
        format!("conv{}_{}", self.block, self.number)
    }
}

/// Filters of each block.
const FILTERS: [usize; 5] = [64, 128, 256, 512, 512];

impl Architecture {
    /// What it is called in messages.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Vgg16 => "VGG-16",
            Self::Vgg19 => "VGG-19",
        }
    }

    /// Convolutions of each block.
    fn blocks(self) -> [usize; 5] {
        match self {
            Self::Vgg16 => [2, 2, 3, 3, 3],
            Self::Vgg19 => [2, 2, 4, 4, 4],
        }
    }

    /// Its convolutions from the image on.
    pub(crate) fn places(self) -> impl Iterator<Item = Place> {
        let block = |(block, count)| (1..=count).map(move |number| Place { block, number });
        (1..).zip(self.blocks()).flat_map(block)
    }

    /// Which convolution has this name, counted from 0.
    pub(crate) fn position(self, name: &str) -> Option<usize> {
        self.places().position(|place| place.name() == name)
    }

    /// The number that torchvision gives each convolution among its `features`: rectifiers and
    /// poolings are counted too.
    pub(crate) fn torchvision(self) -> impl Iterator<Item = (usize, Place)> {
        self.places().enumerate().map(|(at, place)| (2 * at + place.block - 1, place))
    }
}

/// The convolutions of a network up to one of them, each followed by a rectifier, with poolings between
/// blocks. Convolutions have 3x3 filters and keep the extent of the image.
#[derive(Debug, Clone)]
pub(crate) struct Vgg {
    stages: Vec<Stage>,
}

#[derive(Debug, Clone)]
struct Stage {
    /// Before the first convolution of a later block.
    pooling: Option<Pooling>,
    convolution: Convolution,
    filters: usize,
}

impl Vgg {
    /// The first `depth` convolutions.
    pub(crate) fn new(architecture: Architecture, pool: Pool, depth: usize) -> Self {
        let mut channels = 3;
        let mut stage = |place: Place| {
            let filters = FILTERS[place.block - 1];
            let inputs = std::mem::replace(&mut channels, filters);
            let convolution = Convolution::new(&place.name(), inputs, filters, 3)
                .with(Conv2d::default())
                .padded()
                .with_relu();
            let first = place.number == 1 && place.block > 1;
            let pooling = first.then(|| pooling(pool, place.block - 1));
            Stage { pooling, convolution, filters }
        };
        Self { stages: architecture.places().take(depth).map(&mut stage).collect() }
    }

    /// Filters of each convolution.
    pub(crate) fn filters(&self) -> impl Iterator<Item = usize> {
        self.stages.iter().map(|stage| stage.filters)
    }

    /// What each convolution's rectifier gives for images `[n, 3, h, w]`.
    ///
    /// # Errors
    /// A shape error of the trace, as for an image that is too small.
    pub(crate) fn features<'g>(
        &self,
        params: &Params<'_, 'g>,
        image: Var<'g>,
    ) -> Result<Vec<Var<'g>>, Error> {
        let mut x = image;
        let mut found = Vec::with_capacity(self.stages.len());
        for Stage { pooling, convolution, .. } in &self.stages {
            if let Some(pooling) = pooling {
                x = pooling.forward(params, x)?;
            }
            x = convolution.forward(params, x)?;
            found.push(x);
        }
        Ok(found)
    }
}

/// The convolutions between two poolings, and the pooling that follows.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Which convolution of the whole network is its first.
    pub(crate) first: usize,
    pub(crate) convolutions: Vgg,
    pub(crate) pooling: Option<Pooling>,
}

impl Vgg {
    /// Its blocks, of which the last has no pooling.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for (at, stage) in self.stages.iter().enumerate() {
            if at == 0 || stage.pooling.is_some() {
                if let Some(before) = blocks.last_mut() {
                    before.pooling.clone_from(&stage.pooling);
                }
                let convolutions = Self { stages: Vec::new() };
                blocks.push(Block { first: at, convolutions, pooling: None });
            }
            if let Some(block) = blocks.last_mut() {
                block.convolutions.stages.push(Stage { pooling: None, ..stage.clone() });
            }
        }
        blocks
    }
}

impl Layer for Vgg {
    fn declare(&self, layout: &mut Layout) {
        self.stages.iter().for_each(|stage| stage.convolution.declare(layout));
    }
}

fn pooling(pool: Pool, after: usize) -> Pooling {
    let name = format!("pool{after}");
    match pool {
        Pool::Average => Pooling::average(&name, Pool2d::of(2)),
        Pool::Max => Pooling::max(&name, Pool2d::of(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_have_the_papers_names_and_torchvisions_numbers() {
        let names: Vec<String> = Architecture::Vgg19.places().map(Place::name).collect();
        assert_eq!((names.len(), &*names[9], &*names[12]), (16, "conv4_2", "conv5_1"));
        let numbers: Vec<usize> = Architecture::Vgg19.torchvision().map(|(at, _)| at).collect();
        assert_eq!(numbers, [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]);
        let numbers: Vec<usize> = Architecture::Vgg16.torchvision().map(|(at, _)| at).collect();
        assert_eq!(numbers, [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]);
        assert_eq!(Architecture::Vgg16.position("conv4_2"), Some(8));
        assert_eq!(Architecture::Vgg16.position("conv4_4"), None);
    }

    #[test]
    fn blocks_are_the_network_between_poolings() {
        let whole = Vgg::new(Architecture::Vgg19, Pool::Max, 13);
        let blocks = whole.blocks();
        let firsts: Vec<usize> = blocks.iter().map(|block| block.first).collect();
        assert_eq!(firsts, [0, 2, 4, 8, 12]);
        let poolings: Vec<bool> = blocks.iter().map(|block| block.pooling.is_some()).collect();
        assert_eq!(poolings, [true, true, true, true, false]);
        let layouts = blocks.iter().map(|block| block.convolutions.layout().len());
        assert_eq!(layouts.sum::<usize>(), whole.layout().len());
    }

    #[test]
    fn whole_networks_have_the_published_numbers_of_parameters() {
        let count = |architecture| Vgg::new(architecture, Pool::Average, 16).layout().len();
        assert_eq!(count(Architecture::Vgg16), 14_714_688);
        assert_eq!(count(Architecture::Vgg19), 20_024_384);
    }
}
