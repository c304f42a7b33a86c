//! Journals folded into Parquet tables, and comparisons over them.
