/*
 * certificate_fields.sql: lists of fields that others' certificates have: each is a column, or
 * several, of ours.
 *
 * A field is named by the first column of its list (EECS: its number).
 */
CREATE TEMP TABLE certificate_field (list text, field text, relation text, columns text[], PRIMARY KEY (list, field));
INSERT INTO certificate_field (list, field, relation, columns) VALUES
('energytag_gc_bundle_fields', 'issuance_id', 'certificate', '{issuance_id}'),
('energytag_gc_bundle_fields', 'hash', 'certificate', '{hash}'),
('energytag_gc_bundle_fields', 'certificate_bundle_status', 'certificate', '{certificate_bundle_status}'),
('energytag_gc_bundle_fields', 'account_id', 'certificate', '{account}'),
('energytag_gc_bundle_fields', 'metadata_id', 'certificate', '{issue_id}'),
('energytag_gc_bundle_fields', 'certificate_bundle_id_range_start', 'certificate', '{certificate_bundle_id_range_start}'),
('energytag_gc_bundle_fields', 'certificate_bundle_id_range_end', 'certificate', '{certificate_bundle_id_range_end}'),
('energytag_gc_bundle_fields', 'bundle_quantity', 'certificate', '{bundle_quantity,quantity_unit}'),
('energytag_gc_bundle_fields', 'beneficiary', 'certificate', '{beneficiary}'),
('energytag_gc_bundle_fields', 'energy_carrier', 'certificate', '{energy_carrier}'),
('energytag_gc_bundle_fields', 'energy_source', 'certificate', '{energy_source}'),
('energytag_gc_bundle_fields', 'face_value', 'certificate', '{face_value_wh}'),
('energytag_gc_bundle_fields', 'issuance_post_energy_carrier_conversion', 'certificate', '{issuance_post_energy_carrier_conversion}'),
('energytag_gc_bundle_fields', 'registry_configuration', 'certificate', '{registry_configuration}'),
('energytag_gc_bundle_fields', 'device_id/name/technology/production_start_date/capacity(W)/location(lat lon)/type', 'certificate',
	'{device,device_name,device_technology,device_production_start_date,device_capacity_w,device_latitude_microdegrees,device_longitude_microdegrees,device_type}'),
('energytag_gc_bundle_fields', 'production_starting_interval', 'certificate', '{production_starting_interval}'),
('energytag_gc_bundle_fields', 'production_ending_interval', 'certificate', '{production_ending_interval}'),
('energytag_gc_bundle_fields', 'expiry_datestamp', 'certificate', '{expiry_datestamp}'),
('energytag_gc_bundle_fields', 'is_storage', 'certificate', '{is_storage}'),
('energytag_gc_bundle_fields', 'country_of_issuance', 'certificate', '{country_of_issuance}'),
('energytag_gc_bundle_fields', 'connected_grid_identification', 'certificate', '{connected_grid_identification}'),
('energytag_gc_bundle_fields', 'issuing_body', 'certificate', '{issuing_body}'),
('energytag_gc_bundle_fields', 'legal_status/issuance_purpose/support_received/quality_scheme_reference/dissemination_level', 'certificate',
	'{legal_status,issuance_purpose,support_received,quality_scheme_reference,dissemination_level}'),
('energytag_gc_bundle_fields', 'issue_market_zone', 'certificate', '{issue_market_zone}'),
('energytag_gc_bundle_fields', 'emissions_factor_production_device / source', 'certificate', '{emissions_factor_production_device_mg_per_kwh,emissions_factor_source}'),
('eecs_certificate_fields', '1', 'certificate', '{energy_carrier}'),
('eecs_certificate_fields', '2', 'certificate', '{certificate_serial_number_range,certificate_bundle_id_range_start,certificate_bundle_id_range_end}'),
('eecs_certificate_fields', '3', 'certificate', '{device_production_start_date}'),
('eecs_certificate_fields', '4', 'certificate', '{production_starting_interval,production_ending_interval}'),
('eecs_certificate_fields', '5', 'certificate', '{energy_source}'),
('eecs_certificate_fields', '6', 'certificate', '{device_technology}'),
('eecs_certificate_fields', '7', 'certificate', '{device,device_name}'),
('eecs_certificate_fields', '8', 'certificate', '{country_of_issuance}'),
('eecs_certificate_fields', '9', 'certificate', '{device_location,device_latitude_microdegrees,device_longitude_microdegrees}'),
('eecs_certificate_fields', '10', 'certificate', '{device_capacity_w}'),
('eecs_certificate_fields', '11', 'certificate', '{face_value_wh,quantity_unit}'),
('eecs_certificate_fields', '12', 'certificate', '{issuing_body}'),
('eecs_certificate_fields', '13', 'certificate', '{issued_at}'),
('eecs_certificate_fields', '14', 'certificate', '{issuance_purpose}'),
('eecs_certificate_fields', '15', 'certificate', '{other_certificates}'),
('eecs_certificate_fields', '16', 'certificate', '{support_received}'),
('eecs_certificate_fields', '17', 'certificate', '{emissions_factor_production_device_mg_per_kwh,emissions_factor_source}'),
('retirement_fields_nar', 'certificateSerialNumberRange', 'certificate_retirement', '{certificate_serial_number_range}'),
('retirement_fields_nar', 'quantity', 'certificate_retirement', '{quantity,quantity_unit}'),
('retirement_fields_nar', 'certificateStatus', 'certificate_retirement', '{certificate_status}'),
('retirement_fields_nar', 'vintageMonth', 'certificate_retirement', '{vintage_month}'),
('retirement_fields_nar', 'fuelTypeCode', 'certificate_retirement', '{fuel_type_code}'),
('retirement_fields_nar', 'retirementDate', 'certificate_retirement', '{retirement_date}'),
('retirement_fields_nar', 'retirementTypeCode', 'certificate_retirement', '{retirement_type_code}'),
('retirement_fields_nar', 'retirementReasonCode', 'certificate_retirement', '{retirement_reason_code}'),
('retirement_fields_nar', 'retirementReasonDescription', 'certificate_retirement', '{retirement_reason_description}'),
('retirement_fields_nar', 'retirementComplianceState', 'certificate_retirement', '{retirement_compliance_zone}'),
('retirement_fields_nar', 'retirementYear', 'certificate_retirement', '{retirement_year}'),
('retirement_fields_nar', 'notificationName (beneficial owner)', 'certificate_retirement', '{notification_name}'),
('retirement_fields_nar', 'retirementDetails', 'certificate_retirement', '{retirement_details}');
INSERT INTO certificate_field (list, field, relation, columns) VALUES
('energytag_gc_bundle_fields', 'sdr_allocation_id', 'certificate_storage', '{sdr_allocation_id}'),
('energytag_gc_bundle_fields', 'discharging_start/end_datetime', 'certificate_storage', '{discharging_start,discharging_end}'),
('energytag_gc_bundle_fields', 'storage_efficiency_factor', 'certificate_storage', '{storage_efficiency_ppm}');

INSERT INTO vector_suite (suite, wanted) VALUES
('fields of a granular certificate (EnergyTag)', 28), ('fields of a certificate (EECS)', 17), ('fields of a retirement (NAR)', 13);

/* Every line of a list is asked for; what stands in no list of ours is not right. */
INSERT INTO vector_case (suite, id, is_right)
SELECT suite, name, (SELECT count(*) FROM certificate_field f WHERE f.list = l.list) = wanted AND coalesce(
		(SELECT bool_and(EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ('energyledger.' || f.relation)::regclass AND a.attname = c
				AND a.attnum > 0 AND NOT a.attisdropped)) FROM unnest(f.columns) c), false)
FROM (VALUES ('energytag_gc_bundle_fields', 'fields of a granular certificate (EnergyTag)'), ('eecs_certificate_fields', 'fields of a certificate (EECS)'),
		('retirement_fields_nar', 'fields of a retirement (NAR)')) l (list, suite)
	JOIN vector_suite USING (suite)
	JOIN vector_file v ON v.path = 'energy/certificates/' || l.list || '.csv'
	CROSS JOIN LATERAL (SELECT substring(line FROM '^("[^"]*"|[^,]*)') AS name FROM regexp_split_to_table(rtrim(v.content, E'\n'), E'\n') WITH ORDINALITY s (line, n) WHERE n > 1) n
	LEFT JOIN certificate_field f ON f.list = l.list AND f.field = n.name;
