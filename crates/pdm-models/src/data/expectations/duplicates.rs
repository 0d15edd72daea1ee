//! Rows with the same values.

use super::super::Expectation;
use super::super::findings::FindingLog;
use super::super::rows::Rows;
use super::{Scope, Subject};

/// No two rows have the same values, whatever their unit and cycle: a copied row, or a test unit leaked into training.
pub(super) fn duplicate_rows(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let parts: Vec<_> = subject.raw.histories().collect();
    let hashed = parts.iter().enumerate().flat_map(|(part, (_, rows))| {
        hashes(rows)
            .into_iter()
            .enumerate()
            .map(move |(row, hash)| (hash, part, row))
    });
    let mut order: Vec<_> = hashed.collect();
    order.sort_unstable();
    let same_as = |a: &(u64, usize, usize), b: &(u64, usize, usize)| {
        same(parts[a.1].1, a.2, parts[b.1].1, b.2)
    };
    let copies = order
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0 && same_as(&pair[0], &pair[1]));
    let mut copies: Vec<_> = copies
        .map(|pair| ((pair[1].1, pair[1].2), (pair[0].1, pair[0].2)))
        .collect();
    // A step that was filled with the values of an earlier row has that row's line.
    copies.retain(|((part, row), (first_part, first_row))| {
        part != first_part || parts[*part].1.line(*row) != parts[*part].1.line(*first_row)
    });
    copies.sort_unstable();
    for ((part, row), (first_part, first_row)) in copies {
        let ((of, rows), (first_of, first_rows)) = (parts[part], parts[first_part]);
        let message = format!(
            "has the same values as line {} of {}",
            first_rows.line(first_row),
            first_rows.file_of(first_row).unwrap_or(&first_of.file)
        );
        let location = rows.location(&of.file, row);
        log.add(
            subject.severity,
            Expectation::DuplicateRows,
            location,
            message,
        );
    }
    subject.scope_of_rows()
}

/// Hashes the values of each row (FNV-1a over 64-bit words, column by column); equal rows have equal hashes.
fn hashes(rows: &Rows) -> Vec<u64> {
    let mut hashes = vec![0xcbf2_9ce4_8422_2325_u64; rows.len()];
    for column in &rows.channels {
        for (hash, value) in hashes.iter_mut().zip(column) {
            let mixed = (*hash ^ value.to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
            *hash = mixed ^ (mixed >> 29);
        }
    }
    hashes
}

fn same(a: &Rows, a_row: usize, b: &Rows, b_row: usize) -> bool {
    a.channels
        .iter()
        .zip(&b.channels)
        .all(|(left, right)| left[a_row] == right[b_row])
}
