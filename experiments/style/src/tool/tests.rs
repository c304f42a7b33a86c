//! The tool with a small untrained network.

use std::path::Path;

use experiment::{DataPaths, MemoryHost};
use serde_json::{Value, json};

use super::*;
use crate::leaves::leaves;

/// Two pictures in a folder, and the tool over them.
fn run(arguments: &Value, host: &mut MemoryHost) -> Result<String, Error> {
    run_with(arguments, DataPaths::default(), host)
}

fn run_with(arguments: &Value, data: DataPaths, host: &mut MemoryHost) -> Result<String, Error> {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = json!({
        "weights": "untrained", "normalise": "none", "size": 24, "evaluations": 6, "preview_every": 2, "output": "a.png"
    });
    for (name, at) in [("content", 0), ("style", 1)] {
        let path = folder.path().join(format!("{name}.png"));
        std::fs::write(&path, leaves()[at].resized([20, 30]).to_file(&path).unwrap()).unwrap();
        let path = Value::from(path.to_str().unwrap());
        whole[name] = if at == 0 { path } else { json!([path]) };
    }
    let given = arguments.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(given);
    let mut output = Vec::new();
    let mut context = ToolContext {
        input: &mut std::io::empty(),
        output: &mut output,
        data,
        artifacts: "artifacts".into(),
        verify: &|_, _, _| Ok(()),
        host,
    };
    tool().run(whole, &mut context)?;
    Ok(String::from_utf8(output).unwrap())
}

#[test]
fn a_picture_is_made_and_its_losses_told() {
    let mut host = MemoryHost::default();
    let told = run(&json!({}), &mut host).unwrap();
    assert!(told.starts_with("a.png: 24 x 16 pixels, loss "), "{told}");
    assert_eq!(host.progress.last(), Some(&(6, 6)));
    let file = &host.files[Path::new("a.png")];
    let found = image::load_from_memory(file).unwrap();
    assert_eq!((found.width(), found.height()), (24, 16));
}

#[test]
fn pictures_are_normalised_by_themselves_where_there_is_no_art() {
    let cache = tempfile::tempdir().unwrap();
    let data = DataPaths { cache: cache.path().into(), mirror: None, offline: true };
    let (mut host, unsaid) = (MemoryHost::default(), json!({"normalise": null}));
    let told = run_with(&unsaid, data.clone(), &mut host).unwrap();
    assert!(told.starts_with("filters are normalised over these pictures: "), "{told}");
    let picture = host.files[Path::new("a.png")].clone();
    run_with(&json!({"normalise": "own"}), data.clone(), &mut host).unwrap();
    assert_eq!(host.files[Path::new("a.png")], picture);
    // Whoever asks for them is told how to get them.
    let refused = run_with(&json!({"normalise": "art"}), data, &mut host).unwrap_err();
    assert!(refused.chain().contains("art"), "{}", refused.chain());
}

#[test]
fn a_tool_that_is_stopped_leaves_the_best_picture() {
    let mut host = MemoryHost { stop_after: Some(3), ..MemoryHost::default() };
    let stopped = run(&json!({"preview_every": 0}), &mut host);
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert!(image::load_from_memory(&host.files[Path::new("a.png")]).is_ok());
    let wrong = run(&json!({"output": "a.bmp"}), &mut host).unwrap_err();
    assert!(wrong.chain().contains("wanted a name that ends in .png"), "{}", wrong.chain());
}
