//! From a fold built by hand to files on disk and back.

#[path = "tables/against.rs"]
mod against;
#[path = "tables/compare.rs"]
mod compare;
#[path = "tables/exact.rs"]
mod exact;
#[path = "tables/fixture.rs"]
mod fixture;
#[path = "tables/items.rs"]
mod items;
#[path = "tables/metric_tables.rs"]
mod metric_tables;
#[path = "tables/pictures.rs"]
mod pictures;
#[path = "tables/processors.rs"]
mod processors;
#[path = "tables/published.rs"]
mod published;
#[path = "tables/published_files.rs"]
mod published_files;
#[path = "tables/report.rs"]
mod report;
#[path = "tables/search.rs"]
mod search;
#[path = "tables/write.rs"]
mod write;
