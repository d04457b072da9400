// One function of each kind of name.
pub trait Shape {
    fn area(&self) -> u64;
}
pub struct Circle(u64);
impl Shape for Circle {
    #[inline(never)]
    fn area(&self) -> u64 {
        self.0 * 3
    }
}
#[inline(never)]
pub fn generic<T: Into<u64> + Copy>(value: T) -> u64 {
    let add = |n: u64| n + value.into();
    add(1)
}
fn main() {
    println!("{}", generic(2u64) + Circle(4).area());
}
