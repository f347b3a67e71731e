// Command lethe keeps a company's stores of personal data true to what people agreed to. See `lethe --help`.
package main

import (
	"os"

	"lethe/jobs"
)

func main() { os.Exit(jobs.Main(os.Args[1:])) }
