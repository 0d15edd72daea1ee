//! What people read: tables for a terminal, Markdown, SVG, JUnit and SARIF.

pub mod report;
