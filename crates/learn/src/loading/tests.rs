//! Files that fit, files that do not, and files that are damaged on purpose.

use experiment::Stream;

use super::*;
use crate::Init;

/// A file of tensors: name, type, shape, bytes.
fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn singles(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn layout() -> Layout {
    Layout::new()
        .with("encoder.weight", &[2, 3], Init::Zeros)
        .with("encoder.bias", &[3], Init::Zeros)
        .with("classifier.weight", &[3], Init::Constant { value: 7.0 })
}

fn initial(layout: &Layout) -> Vec<f64> {
    layout.initial(&Stream::new(0, "init"))
}

#[test]
fn tensors_are_found_by_rules_and_what_lacks_is_listed() {
    let bytes = file(&[
        ("features.weight", Dtype::F32, &[3, 2], singles(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])),
        ("features.bias", Dtype::F32, &[3], singles(&[0.5, 0.25, 0.125])),
        ("fc8", Dtype::I64, &[1], vec![0; 8]),
    ]);
    let names = Names::new().prefix("features.", "encoder.").transposed("encoder.weight");
    let loaded = layout().load(&bytes, &names, DType::F32).unwrap();
    assert_eq!(loaded.missing, ["classifier.weight"]);
    assert_eq!(loaded.extra, ["fc8"]);
    let wanted = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.5, 0.25, 0.125, 7.0, 7.0, 7.0];
    assert_eq!(initial(&loaded.layout), wanted);
    // The name of a whole tensor goes before a prefix.
    let names = names.name("features.bias", "classifier.weight");
    let loaded = layout().load(&bytes, &names, DType::F32).unwrap();
    assert_eq!(loaded.missing, ["encoder.bias"]);
    assert_eq!(initial(&loaded.layout)[9..], [0.5, 0.25, 0.125]);
}

#[test]
fn what_was_written_is_loaded_with_the_same_bits() {
    let values =
        crate::layout::narrow(&[0.1, -2.5, 3e-40, 1e30, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0, -0.0, 1.0]);
    let bytes = layout().to_safetensors(&values).unwrap();
    let loaded = layout().load(&bytes, &Names::new(), DType::F32).unwrap();
    assert!(loaded.missing.is_empty() && loaded.extra.is_empty());
    let found = crate::layout::narrow(&initial(&loaded.layout));
    assert!(found.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()), "{found:?}");
}

#[test]
fn other_types_are_converted_where_the_value_allows_it() {
    let halves = |values: [u16; 3]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let layout = Layout::new().with("w", &[3], Init::Zeros);
    let load = |dtype, bytes: Vec<u8>, to| {
        layout.load(&file(&[("w", dtype, &[3], bytes)]), &Names::new(), to)
    };
    // 1, -2 and the smallest subnormal of a half; 1, -2 and 3e38 of a bfloat16.
    let half = load(Dtype::F16, halves([0x3C00, 0xC000, 0x0001]), DType::F32).unwrap();
    assert_eq!(initial(&half.layout), [1.0, -2.0, 2f64.powi(-24)]);
    let brain = load(Dtype::BF16, halves([0x3F80, 0xC000, 0x7F61]), DType::F32).unwrap();
    assert_eq!(initial(&brain.layout)[..2], [1.0, -2.0]);
    assert!((initial(&brain.layout)[2] / 3e38 - 1.0).abs() < 0.01);
    let third = 1.0 / 3.0;
    let large = doubles(&[third, 1e39, f64::INFINITY]);
    let double = load(Dtype::F64, large.clone(), DType::F64).unwrap();
    assert_eq!(initial(&double.layout), [third, 1e39, f64::INFINITY]);
    let error = load(Dtype::F64, large, DType::F32).unwrap_err().to_string();
    assert_eq!(error, r#"tensor "w": wanted values of F32, found 1e39 in "w""#);
    let single = load(Dtype::F64, doubles(&[third, 0.0, f64::INFINITY]), DType::F32).unwrap();
    assert_eq!(initial(&single.layout)[0], f64::from(1.0f32 / 3.0));
    let error = load(Dtype::I32, vec![0; 12], DType::F32).unwrap_err().to_string();
    assert_eq!(error, r#"tensor "w": wanted F16, BF16, F32 or F64, found I32 in "w""#);
}

#[test]
fn misfits_name_the_tensor_what_was_wanted_and_what_was_found() {
    let bytes = file(&[
        ("a.bias", Dtype::F32, &[2], singles(&[0.0; 2])),
        ("b.bias", Dtype::F32, &[3], singles(&[0.0; 3])),
    ]);
    let load = |names: Names| layout().load(&bytes, &names, DType::F32).unwrap_err().to_string();
    let error = load(Names::new().prefix("a.", "encoder."));
    assert_eq!(error, r#"tensor "encoder.bias": wanted the shape [3], found [2] in "a.bias""#);
    let error = load(Names::new().prefix("a.", "encoder.").name("b.bias", "encoder.bias"));
    let wanted = r#"tensor "encoder.bias": wanted one in the file, found "a.bias" and "b.bias""#;
    assert_eq!(error, wanted);
    for names in [
        Names::new().name("c.bias", "encoder.bias"),
        Names::new().prefix("c.", "encoder."),
        Names::new().transposed("c.bias"),
    ] {
        assert!(load(names).starts_with(r#"names: wanted a tensor for "c."#));
    }
    let error = load(Names::new().prefix("b.", "encoder.").transposed("encoder.bias"));
    assert!(error.contains("wanted the shape [3], found [3]"), "{error}");
}

/// A file by its header and the bytes after it.
fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    let len = u64::try_from(header.len()).unwrap();
    [&len.to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn hostile_files_are_errors() {
    let layout = Layout::new().with("a", &[2], Init::Zeros).with("b", &[2], Init::Zeros);
    let sound = layout.to_safetensors(&[1.0; 4]).unwrap();
    let refused = |bytes: &[u8]| {
        let error = layout.load(bytes, &Names::new(), DType::F32).unwrap_err();
        assert!(matches!(error, LoadError::File(_)), "{error}");
    };
    (0..sound.len()).for_each(|end| refused(&sound[..end]));
    refused(&[&sound[..], &[0]].concat());
    // A header of almost all of memory, one that is no JSON, and one whose length overflows.
    refused(&[&u64::MAX.to_le_bytes()[..], b"{}"].concat());
    refused(&[&(1u64 << 40).to_le_bytes()[..], b"{}"].concat());
    refused(&raw("[1, 2", &[]));
    let entry = |name: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    for (shape, first, second) in [
        ("[2]", "[0,8]", "[4,12]"),
        ("[2]", "[0,8]", "[0,8]"),
        ("[2]", "[8,0]", "[8,16]"),
        ("[2]", "[0,8]", "[8,1000000]"),
        ("[4611686018427387904,8]", "[0,8]", "[8,16]"),
        ("[3]", "[0,8]", "[8,16]"),
    ] {
        let header = format!("{{{},{}}}", entry("a", shape, first), entry("b", "[2]", second));
        refused(&raw(&header, &[0; 16]));
    }
}
