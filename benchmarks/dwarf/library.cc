// The other half of main.cc.
#include "shapes.h"
#include <functional>
#include <iomanip>
#include <set>
#include <sstream>
#include <unordered_map>

namespace shapes {

namespace {

using Factory = std::function<std::unique_ptr<Shape>(double)>;

template <int Corners>
Factory polygon() {
  return [](double size) { return std::make_unique<Polygon<Corners>>(size); };
}

const std::unordered_map<std::string, Factory> &factories() {
  static const std::unordered_map<std::string, Factory> known = {
      {"triangle", polygon<3>()}, {"square", polygon<4>()}, {"pentagon", polygon<5>()}, {"hexagon", polygon<6>()},
      {"octagon", polygon<8>()},
  };
  return known;
}

__attribute__((noinline)) double checked(double size) {
  if (!(size > 0)) throw std::out_of_range("a size of " + std::to_string(size));
  return size;
}

} // namespace

std::vector<std::unique_ptr<Shape>> make(int count) {
  std::vector<std::unique_ptr<Shape>> made;
  std::set<std::string> names;
  for (const auto &[name, factory] : factories()) names.insert(name);
  for (int i = 0; i < count; i++) {
    for (const auto &name : names) made.push_back(factories().at(name)(checked(i + 1)));
  }
  return made;
}

std::string describe(const std::vector<std::unique_ptr<Shape>> &shapes) {
  std::stringstream out;
  out << std::setprecision(3);
  for (const auto &shape : shapes) {
    try {
      out << checked(shape->area()) << ';';
    } catch (const std::exception &problem) {
      out << problem.what();
    }
  }
  return out.str();
}

} // namespace shapes
