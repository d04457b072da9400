// Iterators, closures, traits and collections: what rustc inlines.
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String;
}

struct Polygon<const N: usize> {
    corners: [(f64, f64); N],
}

impl<const N: usize> Polygon<N> {
    fn new(size: f64) -> Self {
        let mut corners = [(0.0, 0.0); N];
        for (i, corner) in corners.iter_mut().enumerate() {
            let angle = std::f64::consts::TAU * i as f64 / N as f64;
            *corner = (size * angle.cos(), size * angle.sin());
        }
        Polygon { corners }
    }
}

impl<const N: usize> Shape for Polygon<N> {
    fn area(&self) -> f64 {
        let next = self.corners.iter().cycle().skip(1);
        let twice: f64 = self.corners.iter().zip(next).map(|(a, b)| a.0 * b.1 - a.1 * b.0).sum();
        twice.abs() / 2.0
    }

    fn name(&self) -> String {
        format!("{N} corners")
    }
}

fn grouped<T: Ord + Display + Clone>(values: &[T]) -> BTreeMap<String, Vec<T>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for value in values {
        let text = value.to_string();
        groups.entry(text.chars().rev().take(2).collect()).or_default().push(value.clone());
    }
    groups
}

fn words(text: &str) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

fn main() {
    let count = std::env::args().count() * 100;
    let shapes: Vec<Box<dyn Shape>> = (1..count)
        .flat_map(|i| -> Vec<Box<dyn Shape>> {
            vec![Box::new(Polygon::<3>::new(i as f64)), Box::new(Polygon::<5>::new(i as f64))]
        })
        .collect();
    let mut areas: Vec<(u64, String)> = shapes.iter().map(|shape| (shape.area() as u64, shape.name())).collect();
    areas.sort_by(|a, b| b.cmp(a));
    let numbers: Vec<u64> = areas.iter().map(|area| area.0).collect();
    let groups = grouped(&numbers);
    let text = areas.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" ");
    let parsed: Result<Vec<i64>, _> = text.split(' ').step_by(2).map(str::parse::<i64>).collect();
    println!("{} {} {:?} {:?}", groups.len(), numbers.len(), words(&text), parsed.map(|all| all.len()));
}
