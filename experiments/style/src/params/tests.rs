//! Parameters that make no sense, and names of one thing.

use super::*;

fn told(change: impl Fn(&mut Params)) -> String {
    let mut params = Params::default();
    change(&mut params);
    params.validate().unwrap_err().to_string()
}

#[test]
fn the_defaults_are_sound_and_impossible_values_are_named() {
    Params::default().validate().unwrap();
    assert_eq!(told(|p| p.size = 8), "size: wanted a number from 16 to 8192, found 8");
    let wanted = "style_layers: wanted layers of VGG-16, conv1_1 to conv5_3, found conv3_4";
    assert_eq!(told(|p| p.style_layers = vec!["conv3_4".into()]), wanted);
    let twice = vec!["conv1_1".into(), "conv1_1".into()];
    assert!(told(|p| p.style_layers.clone_from(&twice)).ends_with("found conv1_1 twice"));
    assert!(told(|p| p.content_layers.clear()).ends_with("conv5_3, found none"));
    assert!(
        told(|p| p.network = Architecture::Vgg19).starts_with("weights: wanted a file of VGG-19")
    );
    assert!(told(|p| p.shares = vec![1.0, 2.0]).contains("a share for each of 1 styles"));
    assert!(told(|p| p.scales = 6).contains("a number from 1 to 5"));
    assert!(told(|p| p.ratio = f64::NAN).starts_with("ratio: "));
    let no_style = |p: &mut Params| (p.kind, p.start) = (Kind::Content, Start::Style);
    assert!(told(no_style).starts_with("start: "));
}

#[test]
fn what_is_not_looked_at_changes_no_identity() {
    let content = Params { kind: Kind::Content, ..Params::default() };
    let other = Params { style: vec!["other.png".into()], ratio: 7.0, ..content.clone() };
    assert_eq!(content.canonical(), other.canonical());
    let transfer = Params { kind: Kind::Transfer, ..other };
    assert_ne!(transfer.canonical(), Params::default());
    assert_eq!(transfer.canonical(), transfer);
}

#[test]
fn data_are_sets_and_files() {
    let params = Params { style: vec!["a//b.png".into()], ..Params::default() };
    let names: Vec<String> = params.data().into_iter().map(|data| data.name).collect();
    assert_eq!(names, ["art", "file:a/b.png", "vgg16"]);
}
