//! The page that `regimen report` makes, opened in Chromium.

#[path = "report/browser.rs"]
mod browser;
#[path = "report/command.rs"]
mod command;
#[path = "report/exits.rs"]
mod exits;
#[path = "report/fits.rs"]
mod fits;
#[path = "report/page.rs"]
mod page;
#[path = "report/pictures.rs"]
mod pictures;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "report/sweeps.rs"]
mod sweeps;
