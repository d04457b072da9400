// A program of templates, lambdas and exceptions: what compilers inline and split. Its second half is library.cc.
#include "shapes.h"
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <numeric>
#include <regex>
#include <sstream>
#include <variant>

namespace {

struct Node {
  std::map<std::string, std::shared_ptr<Node>> children;
  std::vector<int> values;

  template <typename Visitor>
  void visit(const Visitor &visitor) const {
    for (int value : values) visitor(value);
    for (const auto &[name, child] : children) child->visit(visitor);
  }
};

template <typename T>
T median(std::vector<T> values) {
  if (values.empty()) throw std::invalid_argument("no values");
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

std::string replaced(const std::string &text) {
  static const std::regex word("([a-z]+)-([0-9]+)");
  return std::regex_replace(text, word, "$2-$1");
}

using Value = std::variant<int, double, std::string>;

std::string print(const Value &value) {
  return std::visit(
      [](const auto &inner) {
        std::ostringstream out;
        out << inner;
        return out.str();
      },
      value);
}

} // namespace

int main(int argc, char **argv) {
  Node root;
  for (int i = 0; i < argc + 100; i++) {
    auto child = std::make_shared<Node>();
    child->values.resize(i % 7, i);
    root.children["child-" + std::to_string(i)] = child;
  }
  long sum = 0;
  root.visit([&](int value) { sum += value; });
  std::vector<double> areas;
  for (const auto &shape : shapes::make(argc * 10)) areas.push_back(shape->area());
  std::sort(areas.begin(), areas.end(), [](double a, double b) { return a > b; });
  auto later = std::async(std::launch::deferred, [&] { return std::accumulate(areas.begin(), areas.end(), 0.0); });
  std::cout << sum << ' ' << median(areas) << ' ' << later.get() << ' ' << replaced(argv[0]) << ' '
            << print(Value(std::string("text"))) << print(Value(argc)) << print(Value(0.5)) << ' '
            << shapes::describe(shapes::make(3)) << '\n';
}
