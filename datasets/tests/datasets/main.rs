//! The store against archives, servers and other processes; the dialog data against the released
//! files, or against what was measured in them where there is no mirror.

mod archives;
mod brought;
mod captions;
mod dialog;
mod http;
mod images;
mod mirror;
mod movies;
mod omniglot;
mod packages;
mod rates;
mod registry;
mod sequences;
mod server;
mod store;
mod support;
mod video;
