//! Conventions of pictures, and files that do not suit.

use super::*;
use crate::vgg::Pool;

#[test]
fn both_conventions_give_the_same_values_for_the_same_picture() {
    // One filter of ones over each input channel alone, at the centre of its window.
    let layout = Layout::new().with("conv1_1.weight", &[3, 3, 3, 3], learn::Init::Zeros);
    let mut filters = vec![0.0; 81];
    (0..3).for_each(|i| filters[(i * 3 + i) * 9 + 4] = 1.0);
    let response = |inputs| {
        let weights = Weights::standard(layout.clone(), vec![filters.clone()], inputs);
        let picture = Picture::of([1, 1], |channel, _, _| [200.0, 100.0, 50.0][channel]);
        let values = weights.standardised(&picture);
        let of = |filter: usize| {
            (0..3).map(|i| weights.tensors[0][(filter * 3 + i) * 9 + 4] * values[i]).sum::<f32>()
        };
        [0, 1, 2].map(of)
    };
    let wanted = [50.0 - 103.939, 100.0 - 116.779, 200.0 - 123.68];
    for (found, wanted) in response(Inputs::Caffe).into_iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-4, "{found}, not {wanted}");
    }
    for (at, found) in response(Inputs::Torchvision).into_iter().enumerate() {
        let value = [200.0, 100.0, 50.0][at] / 255.0;
        let wanted = (value - convnet::MEAN[at]) / convnet::DEVIATION[at];
        assert!((found - wanted).abs() < 1e-5, "{found}, not {wanted}");
    }
}

#[test]
fn files_that_do_not_suit_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let vgg = Vgg::new(Architecture::Vgg16, Pool::Average, 2);
    let open = |path: &Path| {
        let source = Source::File(path.into());
        let (inputs, data) = (Inputs::Torchvision, DataPaths::default());
        Weights::open(&source, Architecture::Vgg16, inputs, &vgg, &data).map_err(|e| e.chain())
    };
    let file = folder.path().join("weights.safetensors");
    let write = |layout: &Layout| {
        std::fs::write(&file, layout.to_safetensors(&vec![0.5; layout.len()]).unwrap()).unwrap();
        open(&file)
    };
    let zeros = learn::Init::Zeros;
    let sound = Layout::new()
        .with("features.0.weight", &[64, 3, 3, 3], zeros)
        .with("features.0.bias", &[64], zeros)
        .with("features.2.weight", &[64, 64, 3, 3], zeros)
        .with("conv1_2.bias", &[64], zeros);
    assert_eq!(write(&sound).unwrap().layout.tensors().len(), 4);
    let error = write(&Layout::new().with("features.0.weight", &[64, 3, 3, 3], zeros)).unwrap_err();
    assert!(error.contains(r#"wanted a tensor "conv1_1.bias" or "features.0.bias""#), "{error}");
    let misshapen = Layout::new().with("conv1_1.weight", &[64, 3, 5, 5], zeros);
    let error = write(&misshapen).unwrap_err();
    assert!(error.contains("wanted the shape [64, 3, 3, 3], found [64, 3, 5, 5]"), "{error}");
    let error = open(folder.path()).unwrap_err();
    assert!(error.ends_with("wanted a file, found a folder"), "{error}");
    std::fs::write(&file, b"PK\x03\x04 no archive").unwrap();
    assert!(open(&file).unwrap_err().contains("wanted a zip archive"));
}
