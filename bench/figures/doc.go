// Package figures turns measurements into what reports show: latencies,
// rates, the machine they were taken on, and tables for people.
//
// It measures nothing and draws no conclusions.
package figures
