//! Lloyd's k-means with k-means++ seeding (Arthur & Vassilvitskii, SODA 2007).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Number of seedings; the clustering with the smallest inertia is used.
const RESTARTS: usize = 4;

/// Maximum number of rounds of assigning and averaging.
const MAX_ROUNDS: usize = 30;

/// A point, or the centre of a cluster.
pub(super) type ClusterPoint = Vec<f64>;

/// Returns at most `k` centroids; fewer if there are fewer distinct points, and none without points.
pub(super) fn cluster(
    points: &[ClusterPoint],
    k: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<ClusterPoint> {
    if points.is_empty() {
        return Vec::new();
    }
    let tries = (0..RESTARTS).map(|_| refine(points, seed_centroids(points, k, rng)));
    let judged = tries.map(|centroids| (inertia(points, &centroids), centroids));
    judged
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, centroids)| centroids)
        .unwrap_or_default()
}

/// Moves centroids to the means of their points until they converge; a centroid without points is dropped.
///
/// There must be at least one centroid.
pub(super) fn refine(
    points: &[ClusterPoint],
    mut centroids: Vec<ClusterPoint>,
) -> Vec<ClusterPoint> {
    for _ in 0..MAX_ROUNDS {
        let moved = means(points, &centroids);
        if moved == centroids {
            break;
        }
        centroids = moved;
    }
    centroids
}

/// Returns the index of the nearest centroid; the first of equals.
pub(super) fn nearest(point: &[f64], centroids: &[ClusterPoint]) -> usize {
    two_nearest(point, centroids).0
}

/// Returns the mean simplified silhouette, in −1..=1 (Hruschka, Campello & de Castro, 2006).
///
/// For each point `(b − a) / max(a, b)`, with a and b the distances to the nearest and the second nearest centroid;
/// 0 for fewer than two centroids.
pub(super) fn silhouette(points: &[ClusterPoint], centroids: &[ClusterPoint]) -> f64 {
    if centroids.len() < 2 || points.is_empty() {
        return 0.0;
    }
    let of_point = |point: &ClusterPoint| {
        let (_, own, other) = two_nearest(point, centroids);
        if other > 0.0 {
            1.0 - (own / other).sqrt()
        } else {
            0.0
        }
    };
    points.iter().map(of_point).sum::<f64>() / points.len() as f64
}

fn seed_centroids(points: &[ClusterPoint], k: usize, rng: &mut ChaCha8Rng) -> Vec<ClusterPoint> {
    let first = &points[rng.random_range(0..points.len())];
    let mut centroids = vec![first.clone()];
    let mut distances: Vec<f64> = points
        .iter()
        .map(|point| squared_distance(point, first))
        .collect();
    while centroids.len() < k {
        let Some(next) = draw(&distances, rng) else {
            break;
        };
        for (distance, point) in distances.iter_mut().zip(points) {
            *distance = distance.min(squared_distance(point, &points[next]));
        }
        centroids.push(points[next].clone());
    }
    centroids
}

/// Draws an index with probability proportional to its weight; `None` if all weights are zero.
fn draw(weights: &[f64], rng: &mut ChaCha8Rng) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    let mut left = rng.random::<f64>() * total;
    let hit = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    hit.or_else(|| weights.iter().rposition(|weight| *weight > 0.0))
}

fn means(points: &[ClusterPoint], centroids: &[ClusterPoint]) -> Vec<ClusterPoint> {
    let mut sums: Vec<_> = centroids
        .iter()
        .map(|centroid| (vec![0.0; centroid.len()], 0.0))
        .collect();
    for point in points {
        let (sum, count) = &mut sums[nearest(point, centroids)];
        for (sum, value) in sum.iter_mut().zip(point) {
            *sum += value;
        }
        *count += 1.0;
    }
    let inhabited = sums.into_iter().filter(|(_, count)| *count > 0.0);
    inhabited
        .map(|(sum, count)| sum.into_iter().map(|value| value / count).collect())
        .collect()
}

fn inertia(points: &[ClusterPoint], centroids: &[ClusterPoint]) -> f64 {
    points
        .iter()
        .map(|point| two_nearest(point, centroids).1)
        .sum()
}

/// Returns the index of the nearest centroid, its squared distance, and that of the second nearest.
fn two_nearest(point: &[f64], centroids: &[ClusterPoint]) -> (usize, f64, f64) {
    let mut best = (0, f64::INFINITY, f64::INFINITY);
    for (index, centroid) in centroids.iter().enumerate() {
        let distance = squared_distance(point, centroid);
        if distance < best.1 {
            best = (index, distance, best.1);
        } else if distance < best.2 {
            best.2 = distance;
        }
    }
    best
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn points(values: &[f64]) -> Vec<ClusterPoint> {
        values.iter().map(|value| vec![*value]).collect()
    }

    #[test]
    fn separate_groups_are_found_exactly() {
        let points = points(&[0.0, 1.0, 100.0, 101.0, 50.0, 51.0]);
        let mut centroids = cluster(&points, 3, &mut ChaCha8Rng::seed_from_u64(1));
        centroids.sort_by(|a, b| a[0].total_cmp(&b[0]));
        assert_eq!(centroids, [[0.5], [50.5], [100.5]]);
    }

    #[test]
    fn silhouette_by_hand() {
        let points = points(&[0.0, 2.0, 10.0]);
        let expected = ((10.0 - 1.0) / 10.0 + (8.0 - 1.0) / 8.0 + (9.0 - 0.0) / 9.0) / 3.0;
        assert!((silhouette(&points, &[vec![1.0], vec![10.0]]) - expected).abs() < 1e-12);
        assert_eq!(silhouette(&points, &[vec![1.0]]), 0.0);
    }

    #[test]
    fn never_more_clusters_than_distinct_points() {
        let points = points(&[3.0, 3.0, 4.0, 4.0]);
        assert_eq!(
            cluster(&points, 10, &mut ChaCha8Rng::seed_from_u64(0)).len(),
            2
        );
        assert!(cluster(&[], 3, &mut ChaCha8Rng::seed_from_u64(0)).is_empty());
    }
}
