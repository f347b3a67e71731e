// Command lethe keeps a company's stores of personal data true to what people agreed to. See `lethe --help`.
package main

import (
	"os"
	_ "time/tzdata" // zones, also on machines and in images that have none

	"lethe/jobs"
)

func main() { os.Exit(jobs.Main(os.Args[1:])) }
