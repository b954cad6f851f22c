import WireProtocol

extension MessageLayoutTests {
    /// Computed from Kafka's JSON schemas by a program that knows nothing of this one, for the bodies that
    /// `OneOfEach` fills: versions in rising order. `SchemaTests` compares with the schemas themselves.
    static let pinned: [Layouts] = [
        Layouts(
            ProduceRequest.self,
            [
                (51, 0xEF4C_350E), (51, 0xEF4C_350E), (51, 0xEF4C_350E), (56, 0x2DDA_259F), (56, 0x2DDA_259F),
                (56, 0x2DDA_259F), (56, 0x2DDA_259F), (56, 0x2DDA_259F), (56, 0x2DDA_259F), (40, 0xDABD_F4B7),
                (40, 0xDABD_F4B7), (40, 0xDABD_F4B7),
            ]),
        Layouts(
            FetchRequest.self,
            [
                (88, 0x6E81_0A49), (104, 0x1FC5_463A), (104, 0x1FC5_463A), (150, 0x7068_E78E), (150, 0x7068_E78E),
                (158, 0xA98D_86AE), (158, 0xA98D_86AE), (164, 0xE1A9_8C3B), (154, 0xB367_BFF9), (210, 0xEB96_3D0F),
                (210, 0xEB96_3D0F), (232, 0x398F_96FD), (232, 0x398F_96FD),
            ]),
        Layouts(
            ListOffsetsRequest.self,
            [
                (54, 0x0F03_7D56), (56, 0xE724_51B5), (56, 0xE724_51B5), (64, 0xECEF_8510), (64, 0xECEF_8510),
                (56, 0xE2E2_0560), (56, 0xE2E2_0560), (56, 0xE2E2_0560), (56, 0xE2E2_0560), (64, 0x9479_966A),
            ]),
        Layouts(
            MetadataRequest.self,
            [
                (14, 0xF1CF_8BB0), (11, 0xDDF9_A145), (11, 0xDDF9_A145), (11, 0xDDF9_A145), (13, 0x0C7D_4184),
                (13, 0x0C7D_4184), (13, 0x0C7D_4184), (13, 0x0C7D_4184), (17, 0xF0A7_CFEF), (13, 0x389A_7B7A),
                (29, 0x7AB7_9ADA), (27, 0x1231_DDBA), (27, 0x1231_DDBA), (27, 0x1231_DDBA),
            ]),
        Layouts(
            OffsetCommitRequest.self,
            [
                (87, 0xB9F7_E9F0), (87, 0xB9F7_E9F0), (87, 0xB9F7_E9F0), (71, 0x0BBB_45F2), (79, 0xC843_7A4B),
                (84, 0x74A3_C7D6), (68, 0xCE4B_364F), (68, 0xCE4B_364F),
            ]),
        Layouts(
            OffsetFetchRequest.self,
            [
                (36, 0xC88D_CFE5), (25, 0x3E16_248A), (25, 0x3E16_248A), (25, 0x3E16_248A), (25, 0x3E16_248A),
                (16, 0x4743_3BB3), (18, 0x0271_75D0), (22, 0x0708_7734), (33, 0x1DA4_3D4B),
            ]),
        Layouts(
            FindCoordinatorRequest.self,
            [
                (6, 0xE47B_1E24), (8, 0x82A7_92EB), (8, 0x82A7_92EB), (8, 0xA6ED_239B), (10, 0x28AC_21CC),
                (10, 0x28AC_21CC), (10, 0x28AC_21CC),
            ]),
        Layouts(
            JoinGroupRequest.self,
            [
                (50, 0xC756_0AD5), (58, 0xC3AB_3DA5), (58, 0xC3AB_3DA5), (58, 0xC3AB_3DA5), (58, 0xC3AB_3DA5),
                (63, 0xD233_1452), (45, 0xBB4C_ADC4), (45, 0xBB4C_ADC4), (48, 0x582F_A743), (48, 0x582F_A743),
            ]),
        Layouts(
            HeartbeatRequest.self,
            [(20, 0x8D58_E47A), (20, 0x8D58_E47A), (20, 0x8D58_E47A), (25, 0x90BB_C747), (21, 0x2E4C_2156)]),
        Layouts(
            LeaveGroupRequest.self,
            [
                (12, 0x3B01_8C6E), (12, 0x3B01_8C6E), (12, 0x3B01_8C6E), (25, 0x23E6_2404), (17, 0xF715_4EC1),
                (20, 0x7F6E_B33D),
            ]),
        Layouts(
            SyncGroupRequest.self,
            [
                (44, 0x7D6C_8FAD), (44, 0x7D6C_8FAD), (44, 0x7D6C_8FAD), (49, 0x5E23_7039), (33, 0x740C_3818),
                (39, 0xC262_8042),
            ]),
        Layouts(
            DescribeGroupsRequest.self,
            [
                (14, 0xF1CF_8BB0), (14, 0xF1CF_8BB0), (14, 0xF1CF_8BB0), (16, 0xB47C_B8A1), (16, 0xB47C_B8A1),
                (10, 0x9677_7890), (10, 0x9677_7890),
            ]),
        Layouts(
            ListGroupsRequest.self,
            [
                (0, 0x0000_0000), (0, 0x0000_0000), (0, 0x0000_0000), (2, 0xF161_77D2), (8, 0x37E9_12A0),
                (14, 0x8FEF_7F57),
            ]),
        Layouts(SaslHandshakeRequest.self, [(6, 0xE47B_1E24), (6, 0xE47B_1E24)]),
        Layouts(
            ApiVersionsRequest.self,
            [(0, 0x0000_0000), (0, 0x0000_0000), (0, 0x0000_0000), (10, 0xFF71_740A), (10, 0xFF71_740A)]),
        Layouts(
            CreateTopicsRequest.self,
            [
                (87, 0x0BAE_E5AC), (87, 0x0BAE_E5AC), (87, 0x0BAE_E5AC), (65, 0xBB55_9BAF), (65, 0xBB55_9BAF),
                (65, 0xBB55_9BAF),
            ]),
        Layouts(
            DeleteTopicsRequest.self,
            [
                (22, 0x54EF_D6A2), (22, 0x54EF_D6A2), (22, 0x54EF_D6A2), (16, 0x1BFA_BBD8), (16, 0x1BFA_BBD8),
                (49, 0x5E62_E8C1),
            ]),
        Layouts(DeleteRecordsRequest.self, [(54, 0x8878_54A1), (54, 0x8878_54A1), (46, 0x5B8C_35FA)]),
        Layouts(
            InitProducerIdRequest.self,
            [
                (13, 0x2242_CFD9), (13, 0x2242_CFD9), (13, 0xAED2_E230), (33, 0x04C5_4711), (33, 0x04C5_4711),
                (33, 0x04C5_4711),
            ]),
        Layouts(OffsetForLeaderEpochRequest.self, [(46, 0xE3E1_763F), (54, 0x666B_28B0), (46, 0x9777_7ADD)]),
        Layouts(
            AddPartitionsToTxnRequest.self,
            [(56, 0xDE63_B81D), (56, 0xDE63_B81D), (56, 0xDE63_B81D), (44, 0x0370_8D2F)]),
        Layouts(
            AddOffsetsToTxnRequest.self, [(32, 0x6D8E_72DA), (32, 0x6D8E_72DA), (32, 0x6D8E_72DA), (30, 0x96FB_917B)]),
        Layouts(
            EndTxnRequest.self,
            [(28, 0x1D5F_F52E), (28, 0x1D5F_F52E), (28, 0x1D5F_F52E), (28, 0x7D49_3C6B), (28, 0x7D49_3C6B)]),
        Layouts(
            TxnOffsetCommitRequest.self,
            [(83, 0x5921_D6BD), (83, 0x5921_D6BD), (91, 0xDF38_B6D4), (92, 0x8D13_93A7), (92, 0x8D13_93A7)]),
        Layouts(
            DescribeConfigsRequest.self, [(29, 0x713A_C829), (29, 0x713A_C829), (31, 0x85E8_86CF), (20, 0x7F73_F3B8)]),
        Layouts(AlterConfigsRequest.self, [(37, 0x42C3_AEC5), (37, 0x42C3_AEC5), (25, 0xAFC7_13BC)]),
        Layouts(
            DescribeLogDirsRequest.self, [(19, 0x2C38_E7DF), (12, 0x91E4_593C), (12, 0x91E4_593C), (12, 0x91E4_593C)]),
        Layouts(SaslAuthenticateRequest.self, [(10, 0x48FD_4AE4), (10, 0x48FD_4AE4), (6, 0x38CB_9B0D)]),
        Layouts(
            CreatePartitionsRequest.self, [(48, 0xEB09_8B4D), (48, 0xEB09_8B4D), (36, 0x757D_FFE3), (36, 0x757D_FFE3)]),
        Layouts(DeleteGroupsRequest.self, [(14, 0xF1CF_8BB0), (14, 0xF1CF_8BB0), (8, 0x37E9_12A0)]),
        Layouts(IncrementalAlterConfigsRequest.self, [(39, 0x7FA6_D2B7), (27, 0x00BB_E810)]),
        Layouts(OffsetDeleteRequest.self, [(36, 0xC88D_CFE5)]),
        Layouts(DescribeClusterRequest.self, [(4, 0x8680_7908), (6, 0x4A3C_6A5B), (8, 0x7BAA_9DE6)]),
        Layouts(ConsumerGroupHeartbeatRequest.self, [(63, 0x1C4E_9A0A), (66, 0xD5C5_5EF5)]),
        Layouts(ConsumerGroupDescribeRequest.self, [(10, 0x9677_7890), (10, 0x9677_7890)]),
        Layouts(DescribeTopicPartitionsRequest.self, [(27, 0x6ED3_1124)]),
        Layouts(
            ProduceResponse.self,
            [
                (50, 0x8CB5_1A1C), (58, 0xA861_69F3), (74, 0x1C1A_89F1), (74, 0x1C1A_89F1), (74, 0x1C1A_89F1),
                (90, 0x4399_F15F), (90, 0x4399_F15F), (90, 0x4399_F15F), (116, 0xF0F4_392F), (100, 0x7B12_232A),
                (153, 0x21EB_D1E9), (153, 0x21EB_D1E9),
            ]),
        Layouts(
            FetchResponse.self,
            [
                (107, 0x808D_A4A6), (123, 0x2B0E_2DBC), (123, 0x2B0E_2DBC), (135, 0x9E60_5BF3), (135, 0x9E60_5BF3),
                (135, 0x9E60_5BF3), (135, 0x9E60_5BF3), (143, 0x6678_0DF7), (206, 0x7216_677E), (234, 0x7BC9_D124),
                (234, 0x7BC9_D124), (234, 0x7BC9_D124), (265, 0x823C_B533),
            ]),
        Layouts(
            ListOffsetsResponse.self,
            [
                (66, 0xC8F2_2BD2), (74, 0x4F90_F259), (74, 0x4F90_F259), (82, 0x8580_7937), (82, 0x8580_7937),
                (74, 0x41EB_C210), (74, 0x41EB_C210), (74, 0x41EB_C210), (74, 0x41EB_C210), (74, 0x41EB_C210),
            ]),
        Layouts(
            MetadataResponse.self,
            [
                (108, 0xC5FC_5B5D), (123, 0x05BF_2CAE), (128, 0x0FD8_69FA), (136, 0x3187_3B24), (136, 0x3187_3B24),
                (152, 0xF206_3FAD), (152, 0xF206_3FAD), (160, 0x9305_6EDA), (176, 0x28ED_9E34), (140, 0x64B9_664E),
                (172, 0x3CDB_2C0B), (164, 0xC6E8_547F), (163, 0x293A_B48D), (167, 0xFB5D_4E4A),
            ]),
        Layouts(
            OffsetCommitResponse.self,
            [
                (34, 0xD09B_3491), (42, 0xB8D9_0288), (42, 0xB8D9_0288), (42, 0xB8D9_0288), (42, 0xB8D9_0288),
                (42, 0xB8D9_0288), (34, 0xD909_5D93), (34, 0xD909_5D93),
            ]),
        Layouts(
            OffsetFetchResponse.self,
            [
                (55, 0x2B62_3F7D), (59, 0xB4C8_1411), (67, 0x5C13_5DCB), (67, 0x5C13_5DCB), (75, 0x3815_B2A8),
                (65, 0x9384_D500), (65, 0x9384_D500), (73, 0x3275_0991), (73, 0x3275_0991),
            ]),
        Layouts(
            FindCoordinatorResponse.self,
            [
                (26, 0xA4C1_1A8A), (39, 0x24AA_352F), (39, 0x24AA_352F), (37, 0x4A20_D547), (45, 0xD940_6CFB),
                (45, 0xD940_6CFB), (45, 0xD940_6CFB),
            ]),
        Layouts(
            JoinGroupResponse.self,
            [
                (54, 0x87B3_4229), (54, 0x87B3_4229), (62, 0x5CFD_8E45), (62, 0x5CFD_8E45), (62, 0x5CFD_8E45),
                (67, 0x0C40_5042), (49, 0x7DC0_4B1C), (51, 0x564E_DAF3), (51, 0x564E_DAF3), (53, 0xD6FF_567E),
            ]),
        Layouts(
            HeartbeatResponse.self,
            [(4, 0xD1AA_6875), (12, 0x992D_E4F5), (12, 0x992D_E4F5), (12, 0x992D_E4F5), (14, 0xC022_C2DF)]),
        Layouts(
            LeaveGroupResponse.self,
            [
                (4, 0xD1AA_6875), (12, 0x992D_E4F5), (12, 0x992D_E4F5), (35, 0xF674_6575), (29, 0x484F_2D41),
                (29, 0x484F_2D41),
            ]),
        Layouts(
            SyncGroupResponse.self,
            [
                (14, 0x7794_E44C), (22, 0x3139_071B), (22, 0x3139_071B), (22, 0x3139_071B), (18, 0x5921_A6FF),
                (24, 0x4EEA_67A5),
            ]),
        Layouts(
            DescribeGroupsResponse.self,
            [
                (82, 0x7507_31C1), (90, 0x3B0D_5898), (90, 0x3B0D_5898), (98, 0x688D_C7C9), (103, 0x0458_44CD),
                (69, 0xB1A1_3C50), (72, 0x62E8_8D40),
            ]),
        Layouts(
            ListGroupsResponse.self,
            [
                (24, 0xE5E2_653B), (32, 0x6368_C34C), (32, 0x6368_C34C), (26, 0xDCE2_C8BE), (30, 0xBE51_EE45),
                (34, 0x9606_CD7F),
            ]),
        Layouts(SaslHandshakeResponse.self, [(18, 0x5E48_1BDF), (18, 0x5E48_1BDF)]),
        Layouts(
            ApiVersionsResponse.self,
            [(24, 0x1A24_44F1), (32, 0x91A6_9CD9), (32, 0x91A6_9CD9), (96, 0x9D75_A9C3), (96, 0x9D75_A9C3)]),
        Layouts(
            CreateTopicsResponse.self,
            [
                (31, 0x3145_E297), (31, 0x3145_E297), (31, 0x3145_E297), (55, 0xEA38_7615), (55, 0xEA38_7615),
                (87, 0x3A61_EE77),
            ]),
        Layouts(
            DeleteTopicsResponse.self,
            [
                (26, 0xB116_4995), (26, 0xB116_4995), (26, 0xB116_4995), (22, 0xBC13_5C35), (25, 0x6AFE_93E1),
                (56, 0xF596_A237),
            ]),
        Layouts(DeleteRecordsResponse.self, [(58, 0xFB3E_12D1), (58, 0xFB3E_12D1), (50, 0x7837_8AFA)]),
        Layouts(
            InitProducerIdResponse.self,
            [
                (32, 0x45E2_D53F), (32, 0x45E2_D53F), (34, 0x25EF_2F3E), (34, 0x25EF_2F3E), (34, 0x25EF_2F3E),
                (34, 0x25EF_2F3E),
            ]),
        Layouts(OffsetForLeaderEpochResponse.self, [(66, 0x7DBF_8EFE), (66, 0x7DBF_8EFE), (58, 0x59E6_8EA2)]),
        Layouts(
            AddPartitionsToTxnResponse.self,
            [(42, 0xB8D9_0288), (42, 0xB8D9_0288), (42, 0xB8D9_0288), (34, 0xD909_5D93)]),
        Layouts(
            AddOffsetsToTxnResponse.self, [(12, 0x992D_E4F5), (12, 0x992D_E4F5), (12, 0x992D_E4F5), (14, 0xC022_C2DF)]),
        Layouts(
            EndTxnResponse.self,
            [(12, 0x992D_E4F5), (12, 0x992D_E4F5), (12, 0x992D_E4F5), (14, 0xC022_C2DF), (14, 0xC022_C2DF)]),
        Layouts(
            TxnOffsetCommitResponse.self,
            [(42, 0xB8D9_0288), (42, 0xB8D9_0288), (42, 0xB8D9_0288), (34, 0xD909_5D93), (34, 0xD909_5D93)]),
        Layouts(
            DescribeConfigsResponse.self, [(79, 0x433D_2524), (79, 0x433D_2524), (86, 0xF9BA_8275), (62, 0x854E_12CB)]),
        Layouts(AlterConfigsResponse.self, [(33, 0x6C7F_C659), (33, 0x6C7F_C659), (27, 0xC1C0_ED5C)]),
        Layouts(
            DescribeLogDirsResponse.self, [(90, 0x8792_1E52), (76, 0x8785_8DA8), (80, 0xE888_E964), (112, 0xEB99_4698)]),
        Layouts(SaslAuthenticateResponse.self, [(19, 0x3CBC_41D8), (35, 0xBECE_4EE2), (29, 0xF43E_E336)]),
        Layouts(
            CreatePartitionsResponse.self, [(31, 0x3145_E297), (31, 0x3145_E297), (25, 0x6AFE_93E1), (25, 0x6AFE_93E1)]),
        Layouts(DeleteGroupsResponse.self, [(26, 0xB116_4995), (26, 0xB116_4995), (22, 0xBC13_5C35)]),
        Layouts(IncrementalAlterConfigsResponse.self, [(33, 0x6C7F_C659), (27, 0xC1C0_ED5C)]),
        Layouts(OffsetDeleteResponse.self, [(46, 0x82DF_81FE)]),
        Layouts(DescribeClusterResponse.self, [(64, 0x836C_E85B), (66, 0x4C66_E371), (68, 0x406E_512F)]),
        Layouts(ConsumerGroupHeartbeatResponse.self, [(62, 0xC567_2A61), (62, 0xC567_2A61)]),
        Layouts(ConsumerGroupDescribeResponse.self, [(200, 0x2407_59CD), (202, 0x99EF_FA57)]),
        Layouts(DescribeTopicPartitionsResponse.self, [(146, 0xB8DC_52A8)]),
    ]
}
