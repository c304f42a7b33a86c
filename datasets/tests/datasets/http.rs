//! Downloads from a small server that misbehaves on purpose.

use std::sync::mpsc;
use std::thread;

use datasets::{Digest, Error, Step};

use crate::server::{Asked, Server, answer, missing, rest, whole};
use crate::support::{ARCHIVE, FILES, Place, archive, assert_sound, at};

#[test]
fn a_download_is_published_and_the_archive_removed() {
    let sha256 = Digest::of(&archive());
    let server = Server::start(|_, _| whole(&archive()));
    let place = Place::new();
    let store = place.store(&at(server.url("small.tgz"), &format!(", sha256: {sha256}")));
    let mut last = 0;
    let mut progress = |step: Step<'_>| {
        if let Step::Downloaded { bytes, total } = step {
            assert!(bytes > last && total == Some(archive().len() as u64));
            last = bytes;
        }
    };
    store.fetch("small", &mut progress).unwrap();
    assert_eq!(last, archive().len() as u64);
    assert_sound(&store);
    assert_eq!(place.kept().len(), FILES.len() + 1, "{:?}", place.kept());
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_wrong_download_names_both_sums_and_keeps_nothing() {
    let server = Server::start(|_, asked| match asked.path.as_str() {
        "/two" => whole(b"two TWO\n"),
        _ => whole(&archive()),
    });
    let sha256 = Digest::of(b"something else");
    let two = server.url("two");
    let sources = format!(
        "{}, {{ from: url, url: '{two}', holds: {{ as: file, file: two.txt }} }}",
        at(server.url("small.tgz"), &format!(", sha256: {sha256}"))
    );
    let place = Place::new().mirrored("small/a/one.txt", FILES[0].1);
    let error = place.store(&sources).open("small").unwrap_err();
    assert_eq!(place.kept(), [""; 0]);
    let found = Digest::of(&archive()).to_string();
    insta::assert_snapshot!(server.anonymous(&place, error).replace(&found, "SUM OF THE ARCHIVE"));
}

#[test]
fn an_interrupted_download_is_resumed_where_it_ended() {
    let server = Server::start(|count, asked| match (count, asked.start()) {
        (0, None) => answer("200 OK", "ETag: \"v1\"\r\n", archive().len(), &archive()[..50]),
        (_, Some(start)) => rest(&archive(), start, 40),
        _ => missing(),
    });
    let place = Place::new();
    let store = place.store(&at(server.url("small.tgz"), ""));
    assert_sound(&store);
    let asked = server.asked();
    let starts: Vec<_> = asked.iter().map(Asked::start).collect();
    let wanted: Vec<_> = (50..archive().len()).step_by(40).map(Some).collect();
    assert_eq!((starts[0], &starts[1..]), (None, &wanted[..]));
    assert!(asked[1..].iter().all(|asked| asked.if_range.as_deref() == Some("\"v1\"")));
}

#[test]
fn a_later_fetch_goes_on_where_a_broken_one_ended() {
    let server = Server::start(|count, asked| match (count, asked.start()) {
        (0, _) => answer("200 OK", "ETag: \"v1\"\r\n", archive().len(), &archive()[..50]),
        (1..=3, Some(start)) => rest(&archive(), start, 0),
        (4, _) => answer("503 Service Unavailable", "", 0, b""),
        (_, Some(start)) => rest(&archive(), start, archive().len()),
        _ => missing(),
    });
    let place = Place::new();
    let store = place.store(&at(server.url("small.tgz"), ""));
    let error = store.open("small").unwrap_err();
    let Error::Fetch { attempts, .. } = &error else { panic!("{error}") };
    let total = archive().len();
    let reason = format!("the download ended after 50 of {total} bytes: ");
    assert!(attempts[0].reason.to_string().starts_with(&reason), "{error}");
    let kept = place.kept();
    assert!(kept.len() == 2 && kept[1].ends_with(".part"), "{kept:?}");
    let busy = store.open("small").unwrap_err().to_string();
    assert!(busy.ends_with("the server answered 503 Service Unavailable"), "{busy}");
    assert_sound(&store);
    assert_eq!(server.asked().last().unwrap().start(), Some(50));
    assert_eq!(place.kept().len(), FILES.len() + 1);
}

#[test]
fn a_server_that_cannot_resume_starts_again() {
    let server = Server::start(|count, _| match count {
        0 => answer("200 OK", "", archive().len(), &archive()[..50]),
        1 => answer("416 Range Not Satisfiable", "", 0, b""),
        2 => answer("200 OK", "", archive().len(), &archive()[..60]),
        _ => whole(&archive()),
    });
    let place = Place::new();
    assert_sound(&place.store(&at(server.url("small.tgz"), "")));
    let starts: Vec<_> = server.asked().iter().map(Asked::start).collect();
    assert_eq!(starts, [None, Some(50), None, Some(60)]);
}

#[test]
fn a_missing_file_leads_to_the_next_source() {
    let server = Server::start(|_, asked| match asked.path.as_str() {
        "/second.tgz" => whole(&archive()),
        _ => missing(),
    });
    let place = Place::new();
    let first = at(server.url("first.tgz"), "");
    let error = place.store(&format!("{ARCHIVE}, {first}")).open("small").unwrap_err();
    assert_eq!(place.kept(), [""; 0]);
    assert_sound(&place.store(&format!("{first}, {}", at(server.url("second.tgz"), ""))));
    insta::assert_snapshot!(server.anonymous(&place, error));
}

#[test]
fn a_download_longer_than_promised_is_refused() {
    let server = Server::start(|_, asked| match asked.path.as_str() {
        "/declared" => whole(&[0; 1000]),
        // Without a length, the body ends with the connection.
        _ => [&b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..], &[0; 1000]].concat(),
    });
    let place = Place::new();
    let bytes = ", bytes: 999";
    let sources = [at(server.url("declared"), bytes), at(server.url("endless"), bytes)].join(", ");
    let error = place.store(&sources).open("small").unwrap_err();
    assert_eq!(place.kept(), [""; 0]);
    insta::assert_snapshot!(server.anonymous(&place, error));
}

#[test]
fn two_at_once_download_once() {
    let (release, released) = mpsc::channel();
    let server = Server::start(move |_, _| {
        // The first fetch hangs here until the second one is known to wait for it.
        released.recv().unwrap();
        whole(&archive())
    });
    let place = Place::new();
    let store = || place.store(&at(server.url("small.tgz"), ""));
    thread::scope(|scope| {
        let fetch = || {
            let release = release.clone();
            let mut progress = move |step: Step<'_>| {
                if let Step::Waiting { .. } = step {
                    release.send(()).unwrap();
                }
            };
            store().fetch("small", &mut progress).unwrap().path().to_owned()
        };
        let (one, two) = (scope.spawn(fetch), scope.spawn(fetch));
        assert_eq!(one.join().unwrap(), two.join().unwrap());
    });
    assert_sound(&store());
    assert_eq!(server.asked().len(), 1);
}
