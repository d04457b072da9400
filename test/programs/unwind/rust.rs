// Burns CPU time in what Rust programs do: generic recursion, closures of sorts, maps, strings, threads, caught panics.
// Compiled with -O; neither it nor std keeps frame pointers.
//   rust SECONDS
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

trait Work {
    fn work(&self, random: &mut Random) -> u64;
}

struct Sorting;
struct Counting;
struct Printing;
struct Failing;

impl Work for Sorting {
    #[inline(never)]
    fn work(&self, random: &mut Random) -> u64 {
        let mut values: Vec<String> = (0..500).map(|_| random.next().to_string()).collect();
        values.sort_by(|a, b| b.cmp(a));
        values.sort_by_key(|text| text.len());
        values.iter().map(|text| text.len() as u64).sum()
    }
}

impl Work for Counting {
    #[inline(never)]
    fn work(&self, random: &mut Random) -> u64 {
        let mut hashed: HashMap<String, u64> = HashMap::new();
        let mut sorted: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for _ in 0..500 {
            let value = random.next() % 300;
            *hashed.entry(format!("key {value}")).or_default() += 1;
            sorted.entry(value).or_default().push(value);
        }
        hashed.values().sum::<u64>() + sorted.len() as u64
    }
}

impl Work for Printing {
    #[inline(never)]
    fn work(&self, random: &mut Random) -> u64 {
        let mut text = String::new();
        for _ in 0..200 {
            text += &format!("{:?} {:.3} ", Some(random.next()), random.next() as f64 / 7.0);
        }
        text.split(' ').filter_map(|word| word.parse::<f64>().ok()).count() as u64
    }
}

impl Work for Failing {
    #[inline(never)]
    fn work(&self, random: &mut Random) -> u64 {
        let value = random.next();
        let result = std::panic::catch_unwind(|| {
            if black_box(value) % 2 == 0 {
                panic!("even");
            }
            value
        });
        result.unwrap_or(0)
    }
}

#[inline(never)]
fn descend(depth: u32, random: &mut Random, work: &[Box<dyn Work + Send + Sync>]) -> u64 {
    if depth == 0 {
        let choice = random.next() as usize % work.len();
        return work[choice].work(random);
    }
    let below: u64 = if depth % 3 == 0 {
        (0..1).map(|_| descend(depth - 1, random, work)).sum()
    } else {
        descend(depth - 1, random, work)
    };
    black_box(below) + u64::from(depth)
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    std::panic::set_hook(Box::new(|_| {}));
    let work: Arc<Vec<Box<dyn Work + Send + Sync>>> =
        Arc::new(vec![Box::new(Sorting), Box::new(Counting), Box::new(Printing), Box::new(Failing)]);
    let total = Arc::new(Mutex::new(0u64));
    let run = move |seed: u64, total: Arc<Mutex<u64>>, work: Arc<Vec<Box<dyn Work + Send + Sync>>>| {
        let mut random = Random(seed);
        while Instant::now() < deadline {
            let result = descend(25, &mut random, &work);
            *total.lock().unwrap() += result % 10;
        }
    };
    let threads: Vec<_> = (1..3)
        .map(|seed| {
            let (run, total, work) = (run.clone(), total.clone(), work.clone());
            thread::spawn(move || run(seed, total, work))
        })
        .collect();
    run(77, total.clone(), work);
    for thread in threads {
        thread.join().unwrap();
    }
    black_box(*total.lock().unwrap());
}
