//! What is refused: other dialects' documents, twins, bombs, depth.

use yaml::Content;

use crate::tree;

fn refused(text: &str) -> String {
    tree(text).unwrap_err().to_string().lines().next().unwrap().to_owned()
}

#[test]
fn keys_are_text_and_stand_once() {
    assert_eq!(refused("a: 1\nb: 2\na: 3"), "a.yaml:3:1: key `a` stands twice, first in line 1");
    assert_eq!(refused("1: x"), "a.yaml:1:1: wanted text as a key, found 1");
    assert_eq!(refused("? [a]\n: x"), "a.yaml:1:3: wanted text as a key, found a list");
    assert_eq!(
        refused("a: !env x"),
        "a.yaml:1:4: a: unknown tag `!env`; wanted !remove as the value of a key, or !!str and its like"
    );
    assert_eq!(refused("a: 1\n---\nb: 2"), "a.yaml:2:1: wanted one document, found a second");
    assert!(refused("a: [1").contains("not valid YAML"), "{}", refused("a: [1"));
}

#[test]
fn what_aliases_repeat_has_bounds() {
    let mut bomb = String::from("a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n");
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
    }
    assert!(refused(&bomb).contains("values by aliases"), "{}", refused(&bomb));
    assert!(refused("a: &a [*a]").contains("inside its own anchor"), "{}", refused("a: &a [*a]"));
}

#[test]
fn what_aliases_repeat_is_no_deeper_than_what_is_written() {
    let nested =
        |levels: usize, of: &str| format!("{}{of}{}", "[".repeat(levels), "]".repeat(levels));
    let text = |levels| format!("a: &a {}\nb: {}\n", nested(40, "1"), nested(levels, "*a"));
    assert_eq!(tree(&text(23)).unwrap().depth(), 64);
    assert!(refused(&text(24)).ends_with("wanted at most 64 levels"), "{}", refused(&text(24)));
    assert!(refused(&nested(65, "1")).ends_with("wanted at most 64 levels"));
}

#[test]
fn only_the_plain_merge_key_merges() {
    let keys = |text: &str| match tree(text).unwrap().content {
        Content::Map(entries) => entries.into_iter().map(|(key, _)| key.text).collect::<Vec<_>>(),
        _ => panic!("no map"),
    };
    assert_eq!(keys("{<<: {a: 1}, b: 2}"), ["b", "a"]);
    assert_eq!(keys("{'<<': {a: 1}, b: 2}"), ["<<", "b"]);
    assert_eq!(keys("{!!str <<: {a: 1}, b: 2}"), ["<<", "b"]);
}

#[test]
fn a_file_is_text_of_bounded_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.yaml");
    let message = || yaml::Source::read(&path).unwrap_err().to_string();
    assert!(message().ends_with("a.yaml: there is no file"), "{}", message());
    std::fs::write(&path, b"a: 1\nb: \xff\n").unwrap();
    assert!(message().ends_with("a.yaml:2:1: wanted UTF-8, found byte 0xff"), "{}", message());
    std::fs::write(&path, vec![b' '; yaml::LARGEST as usize + 1]).unwrap();
    assert!(message().contains("wanted at most 16777216 bytes"), "{}", message());
}
