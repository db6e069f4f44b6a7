// Simulates the sun and its large planets under gravity with a symplectic integrator. Each step visits each pair once.

#include <math.h>

#include "kernel.h"

enum { BODIES = 5 };

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

// Approximate data of the outer planets, in astronomical units, days and solar masses.
static Body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, 1},
    {4.84, -1.16, -0.10, 0.00166, 0.00770, -0.000069, 0.000954},
    {8.34, 4.12, -0.40, -0.00277, 0.00500, 0.000023, 0.000286},
    {12.89, -15.11, -0.22, 0.00296, 0.00238, -0.000030, 0.0000437},
    {15.38, -25.92, 0.18, 0.00268, 0.00163, -0.000095, 0.0000515},
};

static const double GRAVITY = 0.0002959122;

static void advance(double dt) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
            double square = dx * dx + dy * dy + dz * dz;
            double factor = GRAVITY * dt / (square * sqrt(square));
            double mi = bodies[i].mass * factor, mj = bodies[j].mass * factor;
            bodies[i].vx -= dx * mj, bodies[i].vy -= dy * mj, bodies[i].vz -= dz * mj;
            bodies[j].vx += dx * mi, bodies[j].vy += dy * mi, bodies[j].vz += dz * mi;
        }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

int main(int argc, char **argv) {
    int steps = kernel_size(argc, argv, 1800000);
    for (int i = 1; i < BODIES; i++) {
        bodies[0].vx -= bodies[i].vx * bodies[i].mass;
        bodies[0].vy -= bodies[i].vy * bodies[i].mass;
        bodies[0].vz -= bodies[i].vz * bodies[i].mass;
    }
    for (int i = 0; i < steps; i++)
        advance(0.5);
    Check check = {0};
    for (int i = 0; i < BODIES; i++) {
        double values[6] = {bodies[i].x, bodies[i].y, bodies[i].z, bodies[i].vx, bodies[i].vy, bodies[i].vz};
        check_doubles(&check, values, 6);
    }
    return check_print(&check);
}
