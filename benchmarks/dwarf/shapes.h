#pragma once
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace shapes {

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
};

template <typename T>
struct Point {
  T x{}, y{};
  T length() const { return std::sqrt(x * x + y * y); }
  Point operator-(const Point &other) const { return {x - other.x, y - other.y}; }
};

template <int Corners>
class Polygon : public Shape {
public:
  explicit Polygon(double size) {
    for (int i = 0; i < Corners; i++) {
      const double angle = 6.283185307179586 * i / Corners;
      corners_[i] = {size * std::cos(angle), size * std::sin(angle)};
    }
  }

  double area() const override {
    double twice = 0;
    for (int i = 0; i < Corners; i++) twice += cross(corners_[i], corners_[(i + 1) % Corners]);
    return std::fabs(twice) / 2;
  }

private:
  static double cross(const Point<double> &a, const Point<double> &b) { return a.x * b.y - a.y * b.x; }

  Point<double> corners_[Corners];
};

std::vector<std::unique_ptr<Shape>> make(int count);
std::string describe(const std::vector<std::unique_ptr<Shape>> &shapes);

} // namespace shapes
