// One function of each kind of name.
namespace names {
template <typename T> struct Box {
  T value;
  explicit Box(T v) : value(v) {}
  ~Box() { value = T(); }
  bool operator<(const Box &other) const { return value < other.value; }
  Box &operator<<(int n) { value += n; return *this; }
  T operator()(T n) const { return value + n; }
  Box *operator->() { return this; }
  T &operator[](unsigned long) { return value; }
  operator bool() const { return value != T(); }
  operator const char *() const { return nullptr; }
};
namespace {
int hidden(int n) { return n + 1; }
}
template <typename F> auto apply(F f, int n) -> decltype(f(n)) { return f(n); }
int (*pointer(int))(char) { return nullptr; }
struct Base { virtual int act(int n) { return n; } };
struct Other { virtual int also(int n) { return n; } };
struct Both : Base, Other { int also(int n) override { return n + 2; } };
int use(int n) {
  Box<int> box(n), second(2);
  box << 3;
  Both both;
  Other *other = &both;
  const char *text = second;
  return box(1) + box->value + second[0] + (box < second) + hidden(n) + bool(box) + (text != nullptr) +
         apply([n](int m) { return n * m; }, 2) + (pointer(n) != nullptr) + other->also(1);
}
} // namespace names
int main(int argc, char **) { return names::use(argc); }
