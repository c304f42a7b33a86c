//! Documents of other programs keep what only those understand.

use crate::source;

#[test]
fn keys_tags_and_scalars_are_kept_as_they_were_written() {
    let text = "1: one\ntrue: yes\n~: 012\n'2': \"no\"\nmode: 0o755\nbig: 1e999\npath: !env HOME\nshape: !tuple [1, 2]\nnested: !map\n  a: 1_000\n";
    let node = yaml::parse_foreign(&source(text)).unwrap();
    let wanted = "1: one\ntrue: yes\n~: 012\n\"2\": \"no\"\nmode: 0o755\nbig: 1e999\npath: !env HOME\nshape: !tuple\n  - 1\n  - 2\nnested: !map\n  a: 1_000\n";
    assert_eq!(yaml::write(&node), wanted);
    assert_eq!(yaml::write(&yaml::parse_foreign(&source(wanted)).unwrap()), wanted);
}

#[test]
fn what_they_cannot_mean_is_refused_at_its_place() {
    let refused = |text: &str| yaml::parse_foreign(&source(text)).unwrap_err().to_string();
    assert!(refused("a: 1\na: 2\n").starts_with("a.yaml:2:1: key `a` stands twice"));
    assert!(refused("? [a]\n: 1\n").starts_with("a.yaml:1:3: wanted text as a key, found a list"));
}
