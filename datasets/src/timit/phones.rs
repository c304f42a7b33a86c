//! The 61 kinds of phones, and the 39 classes that they are judged by (Lee & Hon 1989).

use crate::mismatch::Mismatch;

/// Each class with its phones.
const CLASSES: [(&str, &str); 39] = [
    ("aa", "aa ao"),
    ("ae", "ae"),
    ("ah", "ah ax ax-h"),
    ("aw", "aw"),
    ("ay", "ay"),
    ("b", "b"),
    ("ch", "ch"),
    ("d", "d"),
    ("dh", "dh"),
    ("dx", "dx"),
    ("eh", "eh"),
    ("er", "er axr"),
    ("ey", "ey"),
    ("f", "f"),
    ("g", "g"),
    ("hh", "hh hv"),
    ("ih", "ih ix"),
    ("iy", "iy"),
    ("jh", "jh"),
    ("k", "k"),
    ("l", "l el"),
    ("m", "m em"),
    ("n", "n en nx"),
    ("ng", "ng eng"),
    ("ow", "ow"),
    ("oy", "oy"),
    ("p", "p"),
    ("r", "r"),
    ("s", "s"),
    ("sh", "sh zh"),
    ("sil", "h# pau epi bcl dcl gcl pcl tcl kcl"),
    ("t", "t"),
    ("th", "th"),
    ("uh", "uh"),
    ("uw", "uw ux"),
    ("v", "v"),
    ("w", "w"),
    ("y", "y"),
    ("z", "z"),
];
/// The glottal stop, which counts for nothing.
const GLOTTAL: &str = "q";

/// The class of a phone; nothing of the glottal stop and of what is no phone.
#[must_use]
pub fn fold(phone: &str) -> Option<&'static str> {
    let class = CLASSES.iter().find(|(_, phones)| phones.split(' ').any(|of| of == phone));
    class.map(|(class, _)| *class)
}

/// Phones of lines `first-sample end-sample phone`.
pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Vec<String>, Mismatch> {
    let text = String::from_utf8_lossy(bytes);
    let phone = |(number, line): (usize, &str)| {
        let wrong = |wanted: &str| Mismatch::new(format!("{file}:{number}"), wanted, line);
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[first, end, phone] = &words[..] else {
            return Err(wrong("two samples and a phone"));
        };
        let samples = [first, end].map(|word| word.parse::<u32>());
        if samples.iter().any(Result::is_err) {
            return Err(wrong("two samples and a phone"));
        }
        if fold(phone).is_none() && phone != GLOTTAL {
            return Err(wrong("one of the 61 phones"));
        }
        Ok(phone.to_owned())
    };
    (1..).zip(text.lines()).map(phone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_one_phones_are_of_thirty_nine_classes() {
        let phones: Vec<&str> = CLASSES.iter().flat_map(|(_, of)| of.split(' ')).collect();
        assert_eq!(phones.len(), 60);
        assert_eq!(phones.iter().collect::<std::collections::BTreeSet<_>>().len(), 60);
        assert_eq!(
            ["zh", "ax-h", "kcl", "q"].map(fold),
            [Some("sh"), Some("ah"), Some("sil"), None]
        );
    }

    #[test]
    fn lines_are_read_and_faults_named() {
        assert_eq!(read("a", b"0 10 h#\n10 20 q\n").unwrap(), ["h#", "q"]);
        let told = |text: &str| read("a", text.as_bytes()).unwrap_err().to_string();
        assert_eq!(told("0 1 h#\n1 2 xx\n"), "a:2: wanted one of the 61 phones, found 1 2 xx");
        assert_eq!(told("0 h#\n"), "a:1: wanted two samples and a phone, found 0 h#");
    }
}
