//! Output files that are links, devices or pipes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

const CONFIG: &str = "\
name: page
experiment: command
params: { program: [sh, -c, 'echo \"{\\\"final\\\": {\\\"n\\\": 1}}\" >&3'] }
table: { rows: seed, value: n }
";

/// Writes a page, a table and a Parquet file to a path; how each ended.
fn write(store: &Path, config: &Path, to: &Path) -> Vec<std::process::Output> {
    let ways: [&[&str]; 3] =
        [&["report"], &["compare", "--format", "csv"], &["compare", "--format", "parquet"]];
    let write = |words: &&[&str]| {
        let mut command = regimen();
        command.args(*words).arg(config).arg("--results").arg(store).arg("-o").arg(to);
        command.output().unwrap()
    };
    ways.iter().map(write).collect()
}

#[test]
fn whatever_is_written_goes_through_links_and_into_devices() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (config, store) = (at("c.yaml"), at("store"));
    fs::write(&config, CONFIG).unwrap();
    assert_code(
        &run(config.to_str().unwrap(), &store, &["--report", at("r.html").to_str().unwrap()]),
        0,
    );

    fs::create_dir(at("shared")).unwrap();
    fs::write(at("shared/page"), "old").unwrap();
    symlink("shared/page", at("link")).unwrap();
    symlink("/dev/null", at("null")).unwrap();
    for output in
        [write(&store, &config, &at("link")), write(&store, &config, &at("null"))].concat()
    {
        assert_code(&output, 0);
    }
    assert!(at("link").is_symlink() && at("null").is_symlink());
    assert!(fs::read(at("shared/page")).unwrap().starts_with(b"PAR1"), "the last one written");
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

    for output in write(&store, &config, Path::new("/dev/full")) {
        assert_code(&output, 4);
        assert!(stderr(&output).contains("could not write /dev/full"), "{}", stderr(&output));
    }
    assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
    for output in write(&store, &config, &at("shared")) {
        assert_code(&output, 2);
        assert!(stderr(&output).contains("it is a folder"), "{}", stderr(&output));
    }
    assert_eq!(fs::read_dir(at("shared")).unwrap().count(), 1, "nothing is left behind");

    let standard = write(&store, &config, Path::new("-"));
    for (output, begins) in standard.iter().zip(["<!doctype html>", "seed,metric", "PAR1"]) {
        assert_code(output, 0);
        assert!(stdout(output).starts_with(begins), "{}", stdout(output));
    }
    let named = write(&store, &config, Path::new("/dev/stdout"));
    assert_eq!(named[1].stdout, standard[1].stdout);
    assert!(!at("-").exists() && !Path::new("-").exists());
}

#[test]
fn a_pipe_is_written_into() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (config, store, pipe) = (at("c.yaml"), at("store"), at("pipe"));
    fs::write(&config, CONFIG).unwrap();
    assert_code(&run(config.to_str().unwrap(), &store, &[]), 0);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut writer = Command::new(env!("CARGO_BIN_EXE_regimen"))
        .args(["compare", "--format", "csv"])
        .arg(&config)
        .arg("--results")
        .arg(&store)
        .arg("-o")
        .arg(&pipe)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    File::open(&pipe).unwrap().read_to_string(&mut text).unwrap();
    assert!(writer.wait().unwrap().success());
    assert!(text.starts_with("seed,metric,n,"), "{text}");
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}
