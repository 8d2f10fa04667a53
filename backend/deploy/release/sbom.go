package main

import (
	"debug/buildinfo"
	"os"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// billOfMaterials writes which modules the binary was built of, as CycloneDX. It is read
// from the binary itself.
func billOfMaterials(binary, path, version string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	components := []cdx.Component{{
		Type: cdx.ComponentTypeLibrary, Name: "std", Version: info.GoVersion, PackageURL: "pkg:golang/std@" + info.GoVersion, BOMRef: "std",
	}}
	for _, module := range info.Deps {
		url := "pkg:golang/" + module.Path + "@" + module.Version
		components = append(components, cdx.Component{
			Type: cdx.ComponentTypeLibrary, Name: module.Path, Version: module.Version, PackageURL: url, BOMRef: url,
		})
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		Type: cdx.ComponentTypeApplication, Name: info.Main.Path, Version: version, BOMRef: "tabard",
	}}
	bom.Components = &components
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	encoder := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON)
	encoder.SetPretty(true)
	return encoder.Encode(bom)
}
