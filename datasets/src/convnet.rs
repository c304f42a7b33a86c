//! The convolutional layers of networks that were trained on ImageNet: VGG-16 (Simonyan & Zisserman
//! 2014) and AlexNet (Krizhevsky 2014, "One weird trick").
//!
//! Both want RGB values from 0 to 1, less [`MEAN`], over [`DEVIATION`]. Every layer of VGG-16 has a
//! stride and a padding of 1; between its blocks of 2, 2, 3, 3 and 3 layers stands max-pooling of 2x2.
//! AlexNet's strides are 4, 1, 1, 1, 1 and its paddings 2, 2, 1, 1, 1; max-pooling of 3x3 with stride 2
//! follows the first two layers. A ReLU follows each layer.

use crate::error::Error;
use crate::mismatch::Mismatch;
use crate::pickle::{self, Node};
use crate::store::Store;

/// What is subtracted from red, green and blue.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// What red, green and blue are divided by then.
pub const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// 13 layers with 14,714,688 parameters.
    Vgg16,
    /// 5 layers with 2,469,696 parameters.
    AlexNet,
}

/// One convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Output channels, input channels, height and width of the kernel.
    pub shape: [usize; 4],
    /// The kernel, row-major in [`Layer::shape`].
    pub kernel: Vec<f32>,
    /// A value for each output channel.
    pub bias: Vec<f32>,
}

impl Network {
    /// The name of the manifest.
    pub fn dataset(self) -> &'static str {
        match self {
            Self::Vgg16 => "vgg16",
            Self::AlexNet => "alexnet",
        }
    }

    /// The file of the data set.
    pub fn file(self) -> &'static str {
        match self {
            Self::Vgg16 => "vgg16.ckpt",
            Self::AlexNet => "alexnet.ckpt",
        }
    }

    /// The key of its layers in the file.
    fn key(self) -> &'static str {
        match self {
            Self::Vgg16 => "VGG16_0",
            Self::AlexNet => "AlexNet_0",
        }
    }

    /// Side of the kernel and output channels of each layer.
    fn layers(self) -> &'static [(usize, usize)] {
        match self {
            Self::Vgg16 => &[
                (3, 64),
                (3, 64),
                (3, 128),
                (3, 128),
                (3, 256),
                (3, 256),
                (3, 256),
                (3, 512),
                (3, 512),
                (3, 512),
                (3, 512),
                (3, 512),
                (3, 512),
            ],
            Self::AlexNet => &[(11, 64), (5, 192), (3, 384), (3, 256), (3, 256)],
        }
    }

    /// The shape of each layer's kernel, as in [`Layer::shape`].
    pub fn shapes(self) -> Vec<[usize; 4]> {
        let mut input = 3;
        let shape = |&(side, output): &(usize, usize)| {
            [output, std::mem::replace(&mut input, output), side, side]
        };
        self.layers().iter().map(shape).collect()
    }

    /// Reads a pickle of nested dictionaries: the network's key, `Conv_N`, and `kernel` (height,
    /// width, input, output) and `bias`.
    ///
    /// Nothing in the file is run: see the errors.
    ///
    /// # Errors
    /// [`Mismatch`]: anything in the pickle that a tree of `float32` arrays does not need, a file that
    /// ends early or late, other layers, or other shapes.
    pub fn read(self, file: &str, bytes: &[u8]) -> Result<Vec<Layer>, Mismatch> {
        let root = pickle::read(file, bytes)?;
        let network = entry(file, &root, self.key())?;
        let shapes = self.shapes();
        if let Node::Dict(layers) = network
            && layers.len() != shapes.len()
        {
            let wanted = format!("{} layers of {}", shapes.len(), self.key());
            return Err(Mismatch::new(file, wanted, layers.len().to_string()));
        }
        let layer = |(number, shape): (usize, [usize; 4])| {
            let name = format!("Conv_{number}");
            let layer = entry(file, network, &name)?;
            let [output, input, height, width] = shape;
            let kernel = array(file, layer, &name, "kernel", &[height, width, input, output])?;
            let bias = array(file, layer, &name, "bias", &[output])?;
            Ok(Layer { shape, kernel: outputs_first(&kernel, input * output, output), bias })
        };
        shapes.into_iter().enumerate().map(layer).collect()
    }
}

/// The layers of a network, from the image on.
///
/// # Errors
/// What [`Store::open`] says, or a [`Mismatch`].
pub fn load(store: &Store, network: Network) -> Result<Vec<Layer>, Error> {
    let bytes = store.open(network.dataset())?.read(network.file())?;
    Ok(network.read(network.file(), &bytes)?)
}

fn entry<'n, 'a>(file: &str, node: &'n Node<'a>, key: &str) -> Result<&'n Node<'a>, Mismatch> {
    let Node::Dict(entries) = node else {
        return Err(Mismatch::new(file, format!("a dictionary with {key}"), "an array"));
    };
    let found = entries.iter().find(|(name, _)| *name == key);
    found.map(|(_, node)| node).ok_or_else(|| {
        let names: Vec<_> = entries.iter().map(|(name, _)| *name).collect();
        Mismatch::new(file, key, names.join(", "))
    })
}

/// The numbers at `key` of a layer, which must have this shape and be finite.
fn array(
    file: &str,
    layer: &Node<'_>,
    name: &str,
    key: &str,
    wanted: &[usize],
) -> Result<Vec<f32>, Mismatch> {
    let fail = |wanted: String, found: String| {
        Err(Mismatch::new(format!("{file} {name} {key}"), wanted, found))
    };
    let Node::Array { shape, bytes } = entry(file, layer, key)? else {
        return fail("an array".into(), "a dictionary".into());
    };
    if shape != wanted {
        return fail(format!("shape {wanted:?}"), format!("{shape:?}"));
    }
    let (words, _) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(at) => fail("finite numbers".into(), format!("{} at {at}", numbers[at])),
        None => Ok(numbers),
    }
}

/// `[height, width, input, output]` as `[output, input, height, width]`; `plane` is input x output.
fn outputs_first(kernel: &[f32], plane: usize, outputs: usize) -> Vec<f32> {
    let channels = plane / outputs;
    let mut turned = Vec::with_capacity(kernel.len());
    for output in 0..outputs {
        for channel in 0..channels {
            let at = channel * outputs + output;
            turned.extend(kernel.iter().skip(at).step_by(plane));
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_have_the_published_numbers_of_parameters() {
        let count = |network: Network| -> usize {
            let shapes = network.shapes();
            shapes.iter().map(|shape| shape.iter().product::<usize>() + shape[0]).sum()
        };
        assert_eq!((count(Network::Vgg16), Network::Vgg16.shapes().len()), (14_714_688, 13));
        assert_eq!((count(Network::AlexNet), Network::AlexNet.shapes().len()), (2_469_696, 5));
        assert_eq!(Network::AlexNet.shapes()[1], [192, 64, 5, 5]);
    }

    #[test]
    fn kernels_are_turned() {
        // Height 1, width 2, two inputs, three outputs: the value says w, i and o.
        let kernel = [0., 1., 2., 10., 11., 12., 100., 101., 102., 110., 111., 112.];
        let turned = [0., 100., 10., 110., 1., 101., 11., 111., 2., 102., 12., 112.];
        assert_eq!(outputs_first(&kernel, 6, 3), turned);
    }

    /// A pickle of AlexNet whose every number is `value`, with kernels of the shapes `shapes`.
    fn written(shapes: &[[usize; 4]], value: f32) -> Vec<u8> {
        let text =
            |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let array = |shape: &[usize]| {
            let mut bytes = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n".to_vec();
            bytes.extend(b"K\x00\x85C\x01b\x87R(K\x01(");
            bytes.extend(
                shape.iter().flat_map(|&n| [&b"J"[..], &(n as u32).to_le_bytes()].concat()),
            );
            bytes.extend(b"tcnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R");
            bytes.extend(
                b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B",
            );
            let elements: usize = shape.iter().product();
            bytes.extend((4 * elements as u32).to_le_bytes());
            bytes.extend(value.to_le_bytes().repeat(elements));
            bytes.extend(b"tb");
            bytes
        };
        let mut bytes = [b"\x80\x03}", text("AlexNet_0").as_slice(), b"}"].concat();
        for (number, [output, input, height, width]) in shapes.iter().enumerate() {
            bytes.extend([text(&format!("Conv_{number}")), b"}".to_vec(), text("kernel")].concat());
            bytes.extend(array(&[*height, *width, *input, *output]));
            bytes.extend([b"s".to_vec(), text("bias"), array(&[*output]), b"ss".to_vec()].concat());
        }
        bytes.extend(b"s.");
        bytes
    }

    #[test]
    fn a_network_is_read_and_every_other_refused() {
        let shapes = Network::AlexNet.shapes();
        let layers = Network::AlexNet.read("a.ckpt", &written(&shapes, 0.5)).unwrap();
        assert_eq!(layers.iter().map(|layer| layer.shape).collect::<Vec<_>>(), shapes);
        assert!(layers.iter().flat_map(|l| l.kernel.iter().chain(&l.bias)).all(|&v| v == 0.5));
        let told =
            |network: Network, bytes: &[u8]| network.read("a.ckpt", bytes).unwrap_err().to_string();
        let alex = |shapes: &[[usize; 4]], value| told(Network::AlexNet, &written(shapes, value));
        assert_eq!(
            told(Network::Vgg16, &written(&shapes, 0.5)),
            "a.ckpt: wanted VGG16_0, found AlexNet_0"
        );
        assert_eq!(alex(&shapes[..4], 0.5), "a.ckpt: wanted 5 layers of AlexNet_0, found 4");
        let mut other = shapes.clone();
        other[1][0] = 191;
        assert_eq!(
            alex(&other, 0.5),
            "a.ckpt Conv_1 kernel: wanted shape [5, 5, 64, 192], found [5, 5, 64, 191]"
        );
        assert_eq!(
            alex(&shapes, f32::NAN),
            "a.ckpt Conv_0 kernel: wanted finite numbers, found NaN at 0"
        );
    }
}
